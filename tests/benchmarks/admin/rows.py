"""Rows about the admin's list of events, over logs of known sizes; the table of all pages is another one."""

from __future__ import annotations

from tests.benchmarks.bench import OURS, Bench, Scale
from tests.benchmarks.clients import run_clients
from tests.benchmarks.figures import p50_and_p99
from tests.benchmarks.rows import Line, Measure, Row, Values
from tests.benchmarks.tasks import Job

__all__ = ["rows_of_admin"]

_REQUESTS = 30


def rows_of_admin(scale: Scale) -> list[Row]:
    """All of them, in the order of the table."""
    return [_first_page_row(name, size) for name, size in scale.sizes.items()]


def _first_page_row(name: str, size: int) -> Row:
    page = f"the admin's list of events, first page, {size:,} events"
    lines = (Line(f"{page} (p50 ms)", aim="50"), Line(f"{page} (p99 ms)"))
    return Row(f"admin-{name}", lines, _first_page(size), (OURS,), series="admin")


def _first_page(size: int) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        environment = bench.environment(subject, bench.log(subject, size).database)
        job = Job("measure_first_page", count=_REQUESTS)
        (result,) = run_clients("tests.benchmarks.admin.client", environment, [job])
        return p50_and_p99(result["milliseconds"])

    return measure
