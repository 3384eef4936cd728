"""Rows about logs that grow from nothing: appends and decisions of one client, and of many at a time."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.bench import FLOOR, OURS, Bench, Scale
from tests.benchmarks.figures import p50_and_p99, rate
from tests.benchmarks.rows import Line, Measure, Row, Values, p50_and_p99_lines
from tests.benchmarks.tasks import Job

__all__ = ["rows_of_appends"]


def rows_of_appends(scale: Scale) -> list[Row]:
    """All of them, in the order of the table."""
    alike = [*_disjoint_rows(), *_prepared_rows(), *_shared_rows()]
    return [*alike, *_other_rows(scale), *_latency_rows()]


def _disjoint_rows() -> list[Row]:
    label = "conditional appends, disjoint contexts, {} (per s)"
    return [
        Row("append-1", (Line(label.format("1 process"), "1,588", "1,700"),), _rate("append", 1)),
        Row("append-4", (Line(label.format("4 processes"), "3,377", "3,500"),), _rate("append", 4)),
        Row(
            "append-16",
            (Line(label.format("16 processes"), "4,696", "3,000, and half of the floor"),),
            _rate("append", 16),
        ),
    ]


def _prepared_rows() -> list[Row]:
    """Ours with the prepared statements that Django does not ask for by itself."""
    label = "the same with {}, our statements prepared, too (per s)"
    one, many = Line(label.format("1 process")), Line(label.format("16 processes"), aim="half of the floor")
    return [
        Row("append-1-prepared", (one,), _rate("append", 1, prepared=True)),
        Row("append-16-prepared", (many,), _rate("append", 16, prepared=True)),
    ]


def _shared_rows() -> list[Row]:
    label = "the same with 16 processes, all events sharing a tag; the condition names {} (per s)"
    one = Line(label.format("the context"), "5,419 (a Rust server), 1,387 (SQL)", "no slower than disjoint")
    both = Line(label.format("both tags"))
    return [
        Row("broad", (one,), _rate("append", 16, tenant="x")),
        Row("broad-both", (both,), _rate("append", 16, tenant="x", both_tags=True)),
    ]


def _other_rows(scale: Scale) -> list[Row]:
    disjoint = Line("decisions, disjoint contexts, 16 processes (per s)", aim="half of the floor")
    hot = "decisions about one hot context, 16 processes"
    batch = f"one client, {scale.batch:,} events an append (events/s)"
    held = "dispatches in transactions held 50 ms, 8 processes, disjoint (per s)"
    return [
        Row("decide-16", (disjoint,), _rate("decide_disjoint", 16)),
        Row(
            "hot",
            (Line(f"{hot} (per s)", "112", "500"), Line(f"{hot} (conflicts)", "1,216", "0")),
            _decisions,
        ),
        Row(
            "batch",
            (Line(batch, "34,322 (SQL), 57,371", "40,000"),),
            _rate("append_batches", 1, batch=scale.batch),
        ),
        Row("held", (Line(held, "20", "150"),), _rate("record_and_hold", 8), (OURS, FLOOR)),
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


def _rate(task: str, processes: int, *, prepared: bool = False, **more: Any) -> Measure:
    """The rate of so many clients at a task that goes by time."""

    def measure(bench: Bench, subject: str, _run: int) -> Values:
        job = Job(task, seconds=bench.scale.seconds, **more)
        with bench.fresh(subject) as database:
            jobs = job.numbered(processes)
            return [rate(bench.clients(subject, database, jobs, prepared=prepared))]

    return measure


def _decisions(bench: Bench, subject: str, _run: int) -> Values:
    with bench.fresh(subject) as database:
        jobs = Job("decide", count=bench.scale.decisions).numbered(16)
        results = bench.clients(subject, database, jobs)
    # The floor decides nothing, so nothing conflicts with it.
    conflicts = None if subject == FLOOR else sum(each["conflicts"] for each in results)
    return [rate(results), conflicts]


def _latency(*beside: str) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        jobs = [Job(task, seconds=bench.scale.seconds) for task in ("append", *beside)]
        with bench.fresh(subject) as database:
            return p50_and_p99(bench.clients(subject, database, jobs)[0]["milliseconds"])

    return measure
