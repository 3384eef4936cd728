"""``python -m tests.benchmarks``: measure factos_django, a peer and the floor, and print one table."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.admin.table import admin_table
from tests.benchmarks.bench import LONG, SHORT, SUBJECTS, Bench, missing_subjects
from tests.benchmarks.circumstances import circumstances
from tests.benchmarks.databases import Databases
from tests.benchmarks.measuring import measure
from tests.benchmarks.report import table, write_page
from tests.benchmarks.rest.rows import rest_rows_of
from tests.benchmarks.rows import Row, rows_of
from tests.settings import LEFT_OUT, SERVERS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
#: Each part of the benchmark is a table of its own.
PARTS = {"log": rows_of, "rest": rest_rows_of}
#: This one has a table of another form.
ADMIN = "admin"
NAMES = [row.name for rows in PARTS.values() for row in rows(LONG)]

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
        if asked.write and asked.only is None:
            write_page(PAGE, text, name)
        elif asked.write:
            sys.stderr.write(f"{PAGE.name} is left as it was: these are not all rows.\n")
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--part", choices=[*PARTS, ADMIN], help="this part alone")
    parser.add_argument("--only", action="append", choices=NAMES, help="this row; may be repeated")
    parser.add_argument("--runs", type=int, help="of each measurement; default: 3, 1 with --short")
    parser.add_argument("--short", action="store_true", help="a small version of everything")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md, too")
    return parser.parse_args()


def reports(asked: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Measure; yield the name of each part, and its table with its circumstances, in Markdown."""
    missing = missing_subjects()
    for subject, reason in missing.items():
        sys.stderr.write(f"{subject} is left out: {reason}\n")
    databases = Databases(SERVERS["postgres"])
    bench = Bench(
        databases,
        scale=SHORT if asked.short else LONG,
        runs=asked.runs or (1 if asked.short else 3),
        subjects=tuple(subject for subject in SUBJECTS if subject not in missing),
    )
    try:
        for name, rows_of_part in PARTS.items():
            rows = [row for row in rows_of_part(bench.scale) if asked.only is None or row.name in asked.only]
            if rows and asked.part in (None, name):
                yield name, (SHORT_NOTE if asked.short else "") + measured(bench, rows)
        if asked.only is None and asked.part in (None, ADMIN):
            yield ADMIN, (SHORT_NOTE if asked.short else "") + measured_admin(bench)
    finally:
        databases.remove_all()


def measured(bench: Bench, rows: Sequence[Row]) -> str:
    begun = time.monotonic()
    lines = table(list(measure(bench, rows, progress(begun))))
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
