"""Rows about projections: computing them again, catching up, and what an inline one costs an append."""

from __future__ import annotations

from tests.benchmarks.bench import OURS, PEER, Bench, Scale
from tests.benchmarks.figures import p50_and_p99, rate
from tests.benchmarks.rows import Line, Measure, Row, Values, p50_and_p99_lines
from tests.benchmarks.tasks import Job

__all__ = ["rows_of_projections"]


def rows_of_projections(scale: Scale) -> list[Row]:
    """All of them, in the order of the table."""
    return [
        *(_rebuild_row(name, size, scale) for name, size in scale.sizes.items()),
        *(_catch_up_row(name, size, scale) for name, size in scale.sizes.items()),
        *_inline_rows(),
    ]


def _rebuild_row(name: str, size: int, scale: Scale) -> Row:
    rebuilt = f"rebuild of a projection from {size:,} events, {size // 5:,} keys"
    aim = "-" if size == scale.small else "100,000, and as from fewer"
    lines = (
        Line(f"{rebuilt}{_of_peer(size, scale)} (events/s)", aim=aim),
        Line(f"{rebuilt} (peak RSS, MB)", aim="300"),
        Line(f"{rebuilt} (its follower waits, ms)"),
    )
    return Row(f"rebuild-{name}", lines, _rebuild(size), (OURS, PEER), series="rebuild")


def _catch_up_row(name: str, size: int, scale: Scale) -> Row:
    label = f"catching up with {size:,} events in batches{_of_peer(size, scale)} (events/s)"
    once, lines = size == scale.big, (Line(label, aim="30,000"),)
    return Row(f"catch-up-{name}", lines, _catch_up(size), (OURS, PEER), once, "catch-up")


def _of_peer(size: int, scale: Scale) -> str:
    return "" if size == scale.of_peer else f" (the peer: {scale.of_peer:,} events)"


def _inline_rows() -> list[Row]:
    label = "append of one client with {} inline projection"
    return [
        Row("inline-none", p50_and_p99_lines(label.format("no")), _inline("async"), (OURS,)),
        Row("inline", p50_and_p99_lines(label.format("one")), _inline("inline"), (OURS,)),
    ]


def _rebuild(size: int) -> Measure:
    def measure(bench: Bench, subject: str, run: int) -> Values:
        if subject == PEER:
            return [bench.remembered(f"peer's projection {run}", _processed_by_peer), None, None]
        with bench.tally_log(subject, size) as database:
            (result,) = bench.tally(subject, database, Job("rebuild_all"))
        return [rate([result]), result["megabytes"], result["held"]]

    return measure


def _catch_up(size: int) -> Measure:
    def measure(bench: Bench, subject: str, run: int) -> Values:
        if subject == PEER:
            return [bench.remembered(f"peer's projection {run}", _processed_by_peer)]
        with bench.tally_log(subject, size) as database:
            return [rate(bench.tally(subject, database, Job("catch_up_all")))]

    return measure


def _processed_by_peer(bench: Bench) -> float:
    """Events a second: it takes a transaction for each, so that their number does not matter."""
    size = bench.scale.of_peer
    with bench.tally_log(PEER, size) as database:
        return rate(bench.tally(PEER, database, Job("replay", log=size)))


def _inline(mode: str) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        job = Job("append_new", seconds=bench.scale.seconds)
        with bench.tally_log(subject, 0, mode) as database:
            (result,) = bench.tally(subject, database, job, mode=mode)
        return p50_and_p99(result["milliseconds"])

    return measure
