"""The rows about the REST API, over a log of a million events: one server, several clients."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.bench import OURS, Bench, Scale
from tests.benchmarks.clients import run_clients
from tests.benchmarks.figures import percentile, rate
from tests.benchmarks.rest.server import served
from tests.benchmarks.rows import Line, Measure, Row, Values
from tests.benchmarks.tasks import Job, Result

__all__ = ["rest_rows_of"]

_CLIENTS = 4
_TENANT = "7"


def rest_rows_of(scale: Scale) -> list[Row]:
    """All rows, in the order of the table."""
    log = f"{scale.big:,} events, {_CLIENTS} clients"
    page, flat = f"GET events/, 100 {{}} of {scale.big:,}, the {{}} page", "as the first"
    rows = [
        Row(
            "rest-append", _lines(f"POST events/append/, one fact under a condition, {log}"), _append, (OURS,)
        ),
        Row("rest-query", _lines(f"POST events/query/, a context of ten, {log}"), _query, (OURS,)),
    ]
    for which, share in (("first", 0.0), ("middle", 0.5), ("last", 0.95)):
        for name, facts, tenant in (
            ("rest-list", "facts", ""),
            ("rest-tag", "facts of one in 100 tags", _TENANT),
        ):
            said, aim = page.format(facts, which), "-" if share == 0 else flat
            lines = tuple(Line(f"{said} ({p} ms)", aim=aim) for p in ("p50", "p99"))
            rows.append(Row(f"{name}-{which}", lines, _page(share, tenant), (OURS,)))
    return sorted(rows, key=lambda row: row.name.startswith("rest-tag"))


def _lines(what: str) -> tuple[Line, ...]:
    return tuple(Line(f"{what} ({each})") for each in ("per s", "p50 ms", "p99 ms"))


def _append(bench: Bench, _subject: str, run: int) -> Values:
    return _by_clients(bench, Job("append", seconds=bench.scale.seconds, part=run))


def _query(bench: Bench, _subject: str, _run: int) -> Values:
    return _by_clients(bench, Job("query", seconds=bench.scale.seconds, log=bench.scale.big))


def _page(share: float, tenant: str) -> Measure:
    def measure(bench: Bench, _subject: str, _run: int) -> Values:
        after = int(bench.scale.big * share)
        (result,) = _results(bench, [Job("pages", seconds=bench.scale.seconds, part=after, tenant=tenant)])
        return [percentile(result["milliseconds"], each) for each in (50, 99)]

    return measure


def _by_clients(bench: Bench, job: Job) -> Values:
    results = _results(bench, job.numbered(_CLIENTS))
    took = [each for result in results for each in result["milliseconds"]]
    return [rate(results), percentile(took, 50), percentile(took, 99)]


def _results(bench: Bench, jobs: Sequence[Job]) -> list[Result]:
    database = bench.log(OURS, bench.scale.big).database
    (signed_in,) = bench.clients(OURS, database, [Job("sign_in")])
    with served(bench.environment(OURS, database)) as address:
        environment = {"FACTOS_BENCH_ADDRESS": address, "FACTOS_BENCH_SESSION": str(signed_in["session"])}
        return run_clients("tests.benchmarks.rest.client", environment, jobs)
