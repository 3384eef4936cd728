"""Rows about logs of known sizes: filling them, their bytes, contexts in them, and reading all of them."""

from __future__ import annotations

from dataclasses import replace

from tests.benchmarks.bench import OURS, PEER, Bench, Scale
from tests.benchmarks.disk import bytes_of_log
from tests.benchmarks.figures import percentile, rate
from tests.benchmarks.rows import Line, Measure, Row, Values
from tests.benchmarks.tasks import Job

__all__ = ["rows_of_logs", "rows_of_one_log"]


def rows_of_logs(scale: Scale) -> list[Row]:
    """All of them, in the order of the table."""
    contexts = [_contexts_row(name, size, scale.small) for name, size in scale.sizes.items()]
    replays = [_replay_row(name, size) for name, size in scale.sizes.items()]
    return [*_filling_rows(scale.big), *contexts, *replays]


def rows_of_one_log(scale: Scale) -> list[Row]:
    """The rows about the log that is too big for every day, of ours alone."""
    rows = [*_filling_rows(scale.huge), _contexts_row("huge", scale.huge, scale.small)]
    return [replace(row, subjects=(OURS,)) for row in rows]


def _filling_rows(size: int) -> list[Row]:
    filling = Line(f"filling a log with {size:,} events (events/s)")
    disk = Line(f"disk of a log of {size:,} events, tables and indexes (bytes an event)")
    return [
        Row("fill", (filling,), _fill(size), (OURS, PEER), once=True),
        Row("disk", (disk,), _disk(size), (OURS, PEER), once=True),
    ]


def _contexts_row(name: str, size: int, small: int) -> Row:
    elsewhere, aim = ("-", "-") if size == small else ("1.3", f"1.0, and as at {small:,}")
    flat = "-" if size == small else f"as at {small:,}"
    lines = (
        Line(f"read a context of ten, {size:,} events (p50 ms)", elsewhere, aim),
        Line(f"append to it, {size:,} events (p50 ms)", elsewhere, aim),
        Line(
            f"conditional appends, disjoint contexts, 16 processes, into a log of {size:,} events (per s)",
            aim=flat,
        ),
    )
    return Row(f"log-{name}", lines, _contexts(size), series="log")


def _replay_row(name: str, size: int) -> Row:
    replayed = f"replay of {size:,} events"
    lines = (
        Line(f"{replayed} (events/s)", "140,285", "200,000"),
        Line(f"{replayed} (peak RSS, MB)", "138", "200"),
    )
    return Row(f"replay-{name}", lines, _replay(size), series="replay")


def _fill(size: int) -> Measure:
    return lambda bench, subject, _run: [bench.log(subject, size).per_second]


def _disk(size: int) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        with bench.databases.connected(bench.log(subject, size).database) as connection:
            return [bytes_of_log(connection, subject) / size]

    return measure


def _contexts(size: int) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        known = Job("read_and_append", count=bench.scale.contexts, log=size)
        new = Job("append", seconds=bench.scale.seconds)
        with bench.copied(subject, size) as database:
            (result,) = bench.clients(subject, database, [known])
            appended = bench.clients(subject, database, new.numbered(16))
        return [*(percentile(result[each], 50) for each in ("reads", "appends")), rate(appended)]

    return measure


def _replay(size: int) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        (result,) = bench.clients(subject, bench.log(subject, size).database, [Job("replay")])
        return [rate([result]), result["megabytes"]]

    return measure
