"""``python -m tests.benchmarks``: measure factos_django, a peer and the floor, and print the tables."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.benchmarks.admin.table import admin_table
from tests.benchmarks.bench import LONG, SHORT, SUBJECTS, Bench, Scale, missing_subjects
from tests.benchmarks.circumstances import circumstances
from tests.benchmarks.databases import Databases
from tests.benchmarks.groups import GROUPS
from tests.benchmarks.logs import rows_of_one_log
from tests.benchmarks.measuring import measure
from tests.benchmarks.report import table, write_page
from tests.benchmarks.rows import Row
from tests.settings import LEFT_OUT, SERVERS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
#: The tables: that of all rows, and the one about every page of the admin.
ROWS, ADMIN = "rows", "admin"
NAMES = [row.name for rows_of in GROUPS.values() for row in rows_of(LONG)]

SHORT_NOTE = "**A short run, which proves that the benchmark works and says nothing about speed.**\n\n"


def main() -> int:
    """Measure what the command line asks for."""
    asked = parsed()
    if "postgres" in LEFT_OUT:
        sys.stderr.write(f"PostgreSQL does not answer: {LEFT_OUT['postgres']}\n")
        return 1
    # A kill from outside ends the run as Ctrl-C does: with its databases and processes removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name, text in reports(asked):
        sys.stdout.write(f"{text}\n")
        if asked.write and is_whole(name, asked):
            write_page(PAGE, text, name)
        elif asked.write:
            sys.stderr.write(f"{PAGE.name} is left as it was: these are not all rows.\n")
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--part", choices=[*GROUPS], help="this part alone")
    parser.add_argument("--only", action="append", choices=NAMES, help="this row; may be repeated")
    parser.add_argument("--huge", action="store_true", help="a log of 10,000,000 events alone; of ours alone")
    parser.add_argument("--runs", type=int, help="of each measurement; default: 3, 1 with --short")
    parser.add_argument("--short", action="store_true", help="a small version of everything")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/performance.md, too")
    return parser.parse_args()


def is_whole(name: str, asked: argparse.Namespace) -> bool:
    """Tell whether the table has all its rows, so that it may stand on the page."""
    return name == ADMIN or not (asked.part or asked.only or asked.huge)


def reports(asked: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Measure; yield the name of each table, and the table with its circumstances, in Markdown."""
    bench, note = bench_of(asked), SHORT_NOTE if asked.short else ""
    try:
        yield ROWS, note + measured(bench, chosen(asked, bench.scale))
        if asked.part in (None, ADMIN) and not (asked.only or asked.huge):
            yield ADMIN, note + measured_admin(bench)
    finally:
        bench.databases.remove_all()


def bench_of(asked: argparse.Namespace) -> Bench:
    missing = missing_subjects()
    for subject, reason in missing.items():
        sys.stderr.write(f"{subject} is left out: {reason}\n")
    return Bench(
        Databases(SERVERS["postgres"]),
        scale=SHORT if asked.short else LONG,
        runs=asked.runs or (1 if asked.short or asked.huge else 3),
        subjects=tuple(subject for subject in SUBJECTS if subject not in missing),
    )


def chosen(asked: argparse.Namespace, scale: Scale) -> dict[str, list[Row]]:
    """The rows that the command line asks for, by their groups."""
    if asked.huge:
        return {"huge": rows_of_one_log(scale)}
    names = asked.only or NAMES
    groups = {name: rows_of(scale) for name, rows_of in GROUPS.items() if asked.part in (None, name)}
    return {group: [row for row in rows if row.name in names] for group, rows in groups.items()}


def measured(bench: Bench, groups: Mapping[str, Sequence[Row]]) -> str:
    begun = time.monotonic()
    lines = table({name: list(measure(bench, rows, progress(begun))) for name, rows in groups.items()})
    return f"{lines}\n- runs of each measurement: {bench.runs}; {circumstances_of(bench, begun)}"


def measured_admin(bench: Bench) -> str:
    begun = time.monotonic()
    return f"{admin_table(bench)}- {circumstances_of(bench, begun)}"


def circumstances_of(bench: Bench, begun: float) -> str:
    with bench.databases.connected() as connection:
        known = circumstances(connection)
    minutes = (time.monotonic() - begun) / 60
    return f"the whole took {minutes:.0f} minutes\n{known}"


def progress(begun: float) -> Callable[[str], None]:
    def say(what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - begun:5.0f} s  {what}\n")

    return say


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit(130) from None
