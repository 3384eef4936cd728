"""Rows about effects: from the append to the last one done, and what asking for one costs an append."""

from __future__ import annotations

from tests.benchmarks.bench import OURS, Bench, Scale
from tests.benchmarks.brokers import CONDITIONS, workers
from tests.benchmarks.figures import p50_and_p99, rate
from tests.benchmarks.rows import Line, Measure, Row, Values, p50_and_p99_lines
from tests.benchmarks.tasks import Job, Result

__all__ = ["rows_of_effects"]

_WORKERS = 2


def rows_of_effects(scale: Scale) -> list[Row]:
    """All of them, in the order of the table."""
    by_workers = f"Redis, {_WORKERS} worker processes"
    many = f"{scale.effects[0]:,} effects from the first append to the last done, {by_workers} (per s)"
    one = f"an effect from its fact to done, nothing else to do, {by_workers}"
    return [
        Row("effects", (Line(many),), _effects, (OURS,)),
        Row("effect", p50_and_p99_lines(one), _effect, (OURS,)),
        *_appending_rows(),
    ]


def _appending_rows() -> list[Row]:
    label = "append of one client {}"
    rows = [Row("reactor-none", p50_and_p99_lines(label.format("without effect")), _reactor("none"), (OURS,))]
    for broker in CONDITIONS:
        said = label.format(f"with one effect, the broker {broker}")
        lines = p50_and_p99_lines(said, "-" if broker == "up" else "as up")
        rows.append(Row(f"reactor-{broker}", lines, _reactor("effects", broker), (OURS,)))
    return rows


def _effects(bench: Bench, subject: str, _run: int) -> Values:
    return [rate([_delivered(bench, subject, Job("deliver_all", count=bench.scale.effects[0]))])]


def _effect(bench: Bench, subject: str, _run: int) -> Values:
    job = Job("deliver_each", count=bench.scale.effects[1])
    return p50_and_p99(_delivered(bench, subject, job)["milliseconds"])


def _delivered(bench: Bench, subject: str, job: Job) -> Result:
    with (
        bench.tally_log(subject, 0, "effects") as database,
        CONDITIONS["up"]() as broker,
        workers(bench.tally_environment(subject, database, "effects", broker), _WORKERS),
    ):
        (result,) = bench.tally(subject, database, job, mode="effects", broker=broker)
    return result


def _reactor(mode: str, kind: str = "up") -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        job = Job("append_new", seconds=bench.scale.seconds)
        with bench.tally_log(subject, 0, mode) as database, CONDITIONS[kind]() as broker:
            (result,) = bench.tally(subject, database, job, mode=mode, broker=broker)
        return p50_and_p99(result["milliseconds"])

    return measure
