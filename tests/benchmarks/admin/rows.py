"""Rows about the admin's list of events, over logs of known sizes; the table of all pages is another one."""

from __future__ import annotations

from tests.benchmarks.bench import OURS, Bench, Scale
from tests.benchmarks.clients import run_clients
from tests.benchmarks.figures import p50_and_p99
from tests.benchmarks.rows import Measure, Row, Values, p50_and_p99_lines
from tests.benchmarks.tasks import Job

__all__ = ["rows_of_admin"]

_REQUESTS = 30
#: What we want to reach (ms).
_AIM = "50 (p50)"


def rows_of_admin(scale: Scale) -> list[Row]:
    """All of them, in the order of the table."""
    return [_first_page_row(name, size) for name, size in scale.sizes.items()]


def _first_page_row(name: str, size: int) -> Row:
    lines = p50_and_p99_lines(f"the admin's list of events, first page, {size:,} events", _AIM)
    return Row(f"admin-{name}", lines, _first_page(size), (OURS,), series="admin")


def _first_page(size: int) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        environment = bench.environment(subject, bench.log(subject, size).database)
        job = Job("measure_first_page", count=_REQUESTS)
        (result,) = run_clients("tests.benchmarks.admin.client", environment, [job])
        return p50_and_p99(result["milliseconds"])

    return measure
