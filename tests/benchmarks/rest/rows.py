"""Rows about the REST API: one server, several clients."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.bench import OURS, Bench, Scale
from tests.benchmarks.clients import run_clients
from tests.benchmarks.figures import p50_and_p99, rate
from tests.benchmarks.rest.server import served
from tests.benchmarks.rows import Line, Measure, Row, Values, p50_and_p99_lines
from tests.benchmarks.tasks import Job, Result

__all__ = ["rows_of_rest"]

_CLIENTS = 4
_TENANT = "7"
#: Which page, and the share of the log before it.
_PAGES = {"first": 0.0, "middle": 0.5, "last": 0.95}


def rows_of_rest(scale: Scale) -> list[Row]:
    """All of them, in the order of the table."""
    return [
        *(_append_row(name, size) for name, size in scale.sizes.items()),
        *(_query_row(name, size) for name, size in scale.sizes.items()),
        *(_page_row("rest-list", "facts", "", page, scale.big) for page in _PAGES),
        *(_page_row("rest-tag", "facts of one in 100 tags", _TENANT, page, scale.big) for page in _PAGES),
    ]


def _append_row(name: str, size: int) -> Row:
    what = "POST events/append/, one fact under a condition"
    return Row(f"rest-append-{name}", _lines(what, size), _append(size), (OURS,), series="rest-append")


def _query_row(name: str, size: int) -> Row:
    what = "POST events/query/, a context of ten"
    return Row(f"rest-query-{name}", _lines(what, size), _query(size), (OURS,), series="rest-query")


def _page_row(name: str, facts: str, tenant: str, page: str, size: int) -> Row:
    what = f"GET events/, 100 {facts} of {size:,}, the {page} page"
    lines = p50_and_p99_lines(what, "-" if page == "first" else "as the first")
    return Row(f"{name}-{page}", lines, _page(int(size * _PAGES[page]), tenant, size), (OURS,))


def _lines(what: str, size: int) -> tuple[Line, ...]:
    said = f"{what}, {size:,} events, {_CLIENTS} clients"
    return Line(f"{said} (per s)"), *p50_and_p99_lines(said)


def _append(size: int) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        with bench.copied(subject, size) as database:
            return _by_clients(bench, database, Job("append", seconds=bench.scale.seconds))

    return measure


def _query(size: int) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        database = bench.log(subject, size).database
        return _by_clients(bench, database, Job("query", seconds=bench.scale.seconds, log=size))

    return measure


def _page(after: int, tenant: str, size: int) -> Measure:
    def measure(bench: Bench, subject: str, _run: int) -> Values:
        job = Job("pages", seconds=bench.scale.seconds, after=after, tenant=tenant)
        (result,) = _results(bench, bench.log(subject, size).database, [job])
        return p50_and_p99(result["milliseconds"])

    return measure


def _by_clients(bench: Bench, database: str, job: Job) -> Values:
    results = _results(bench, database, job.numbered(_CLIENTS))
    took = [each for result in results for each in result["milliseconds"]]
    return [rate(results), *p50_and_p99(took)]


def _results(bench: Bench, database: str, jobs: Sequence[Job]) -> list[Result]:
    (signed_in,) = bench.clients(OURS, database, [Job("sign_in")])
    with served(bench.environment(OURS, database)) as address:
        environment = {"FACTOS_BENCH_ADDRESS": address, "FACTOS_BENCH_SESSION": str(signed_in["session"])}
        return run_clients("tests.benchmarks.rest.client", environment, jobs)
