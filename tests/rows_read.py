"""How many rows a database reads for a piece of work, by what it tells itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connections, transaction

__all__ = ["analyze", "most_read_at_once", "rows_read"]

#: SQLite tells no rows, but steps of its machine. It takes about so many of them for a row (steps).
_STEPS_A_ROW = 20

_SCANS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"}
_LEFT_OUT = ("Rows Removed by Filter", "Rows Removed by Index Recheck")

#: PostgreSQL would read tables as short as those of a test whole.
_AS_OF_LONG_TABLES = "; ".join(
    f"SET LOCAL enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin")
)

_ANALYZE = {"postgresql": "ANALYZE factos_event, factos_tag", "sqlite": "ANALYZE"}


def analyze(using: str) -> None:
    """Let the database count what it plans by."""
    with connections[using].cursor() as cursor:
        cursor.execute(_ANALYZE.get(connections[using].vendor, "ANALYZE TABLE factos_event, factos_tag"))
        cursor.fetchall() if cursor.description else None


def rows_read(using: str, work: Callable[[], Any]) -> int:
    """Return how many rows ``work`` reads, of tables and indexes, by what the database tells."""
    work()  # plans are made in the first run, and kept
    return {"postgresql": _of_postgresql, "mysql": _of_mariadb, "sqlite": _of_sqlite}[
        connections[using].vendor
    ](using, work)


def most_read_at_once(using: str, work: Callable[[], Any]) -> int:
    """Return how many rows the greediest statement of ``work`` reads, where it only reads.

    PostgreSQL tells it of each statement by EXPLAIN: what a scan found, and what it left out again.
    """
    statements: list[tuple[str, Any]] = []

    def heard(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        statements.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connections[using].execute_wrapper(heard):
        work()
    count = _explained if connections[using].vendor == "postgresql" else _counted
    return max(count(using, sql, parameters) for sql, parameters in statements)


def _counted(using: str, sql: str, parameters: Any) -> int:
    def again() -> None:
        with connections[using].cursor() as cursor:
            cursor.execute(sql, parameters)
            cursor.fetchall()

    return rows_read(using, again)


def _explained(using: str, sql: str, parameters: Any) -> int:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(_AS_OF_LONG_TABLES)
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        (told,) = cursor.fetchone()
    (plan,) = json.loads(told) if isinstance(told, str) else told
    return sum(_scanned(plan["Plan"]))


def _scanned(node: dict[str, Any]) -> Iterator[int]:
    """Yield what each scan of a table or an index read (rows)."""
    if node["Node Type"] in _SCANS:
        found = (node.get(name, 0) for name in ("Actual Rows", *_LEFT_OUT))
        yield round(sum(found) * node["Actual Loops"])
    for part in node.get("Plans", []):
        yield from _scanned(part)


def _of_postgresql(using: str, work: Callable[[], Any]) -> int:
    sql = (
        "SELECT sum(t.seq_tup_read) + sum(i.idx_tup_read) FROM (SELECT sum(seq_tup_read) AS seq_tup_read "
        "FROM pg_stat_xact_user_tables WHERE relname IN ('factos_event', 'factos_tag')) AS t, "
        "(SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) AS idx_tup_read FROM pg_stat_user_indexes "
        "WHERE relname IN ('factos_event', 'factos_tag')) AS i"
    )
    with transaction.atomic(using=using):
        return _difference(using, sql, work)


def _of_mariadb(using: str, work: Callable[[], Any]) -> int:
    sql = (
        "SELECT sum(variable_value) FROM information_schema.session_status "
        "WHERE variable_name LIKE 'Handler_read%%' AND variable_name <> 'Handler_read_rnd_deleted'"
    )
    idle = _difference(using, sql, lambda: None)
    return _difference(using, sql, work) - idle


def _difference(using: str, sql: str, work: Callable[[], Any]) -> int:
    with connections[using].cursor() as cursor:
        cursor.execute(sql.replace("%%", "%"))
        before = cursor.fetchone()[0]
        work()
        cursor.execute(sql.replace("%%", "%"))
        return int(cursor.fetchone()[0] - before)


def _of_sqlite(using: str, work: Callable[[], Any]) -> int:
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += _STEPS_A_ROW

    connection = connections[using].connection
    connection.set_progress_handler(count, _STEPS_A_ROW)
    try:
        work()
    finally:
        connection.set_progress_handler(None, 0)
    return steps // _STEPS_A_ROW
