"""Rows about logs that grow from nothing: appends and decisions of one client, and of many at a time."""

from __future__ import annotations

from tests.benchmarks.bench import FLOOR, OURS, Bench, Scale
from tests.benchmarks.figures import p50_and_p99, rate
from tests.benchmarks.rows import Line, Measure, Row, Values, p50_and_p99_lines
from tests.benchmarks.tasks import Job

__all__ = ["rows_of_appends"]


def rows_of_appends(scale: Scale) -> list[Row]:
    """All of them, in the order of the table."""
    return [*_disjoint_rows(), *_shared_rows(), *_other_rows(scale), *_latency_rows()]


def _disjoint_rows() -> list[Row]:
    label = "conditional appends, disjoint contexts, {} (per s)"
    return [
        Row("append-1", (Line(label.format("1 process"), "1,588", "1,700"),), _appends(1)),
        Row("append-4", (Line(label.format("4 processes"), "3,377", "3,500"),), _appends(4)),
        Row("append-16", (Line(label.format("16 processes"), "4,696", "3,000, then more"),), _appends(16)),
    ]


def _shared_rows() -> list[Row]:
    label = "the same with 16 processes, all events sharing a tag; the condition names {} (per s)"
    one = Line(label.format("the context"), "5,419 (a Rust server), 1,387 (SQL)", "no slower than disjoint")
    both = Line(label.format("both tags"))
    return [
        Row("broad", (one,), _appends(16, tenant="x")),
        Row("broad-both", (both,), _appends(16, tenant="x", both_tags=True)),
    ]


def _other_rows(scale: Scale) -> list[Row]:
    hot = "decisions about one hot context, 16 processes"
    batch = f"one client, {scale.batch:,} events an append (events/s)"
    held = "dispatches in transactions held 50 ms, 8 processes, disjoint (per s)"
    return [
        Row(
            "hot",
            (Line(f"{hot} (per s)", "112", "500"), Line(f"{hot} (conflicts)", "1,216", "0")),
            _decisions,
        ),
        Row("batch", (Line(batch, "34,322 (SQL), 57,371", "40,000"),), _batches),
        Row("held", (Line(held, "20", "150"),), _held, (OURS, FLOOR)),
    ]


def _latency_rows() -> list[Row]:
    label = "append of one client {}"
    beside = p50_and_p99_lines(label.format("beside a follower"), "as alone")
    held = p50_and_p99_lines(label.format("while another's append is open"), "as alone")
    return [
        Row("latency", p50_and_p99_lines(label.format("alone")), _latency()),
        Row("latency-followed", beside, _latency("follow")),
        Row("latency-held", held, _latency("hold_the_head"), (OURS, FLOOR)),
    ]


def _appends(processes: int, *, tenant: str = "", both_tags: bool = False) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        one = Job("append", seconds=bench.scale.seconds, tenant=tenant, both_tags=both_tags)
        with bench.fresh(subject) as database:
            return [rate(bench.clients(subject, database, one.numbered(processes)))]

    return measure


def _decisions(bench: Bench, subject: str, _run: int) -> Values:
    with bench.fresh(subject) as database:
        jobs = Job("decide", count=bench.scale.decisions).numbered(16)
        results = bench.clients(subject, database, jobs)
    # The floor decides nothing, so nothing conflicts with it.
    conflicts = None if subject == FLOOR else sum(each["conflicts"] for each in results)
    return [rate(results), conflicts]


def _batches(bench: Bench, subject: str, _run: int) -> Values:
    job = Job("append_batches", seconds=bench.scale.seconds, batch=bench.scale.batch)
    with bench.fresh(subject) as database:
        return [rate(bench.clients(subject, database, [job]))]


def _held(bench: Bench, subject: str, _run: int) -> Values:
    jobs = Job("record_and_hold", seconds=bench.scale.seconds).numbered(8)
    with bench.fresh(subject) as database:
        return [rate(bench.clients(subject, database, jobs))]


def _latency(*beside: str) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        jobs = [Job(task, seconds=bench.scale.seconds) for task in ("append", *beside)]
        with bench.fresh(subject) as database:
            return p50_and_p99(bench.clients(subject, database, jobs)[0]["milliseconds"])

    return measure
