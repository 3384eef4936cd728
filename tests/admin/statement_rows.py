"""How many rows each statement reads, by what the database tells of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

__all__ = ["Statement", "statements_of"]

#: SQLite tells no rows, but steps of its machine. It takes about so many of them for a row (steps).
_STEPS_A_ROW = 20

_POSTGRESQL = (
    "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname LIKE 'factos\\_%') + "
    "(SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_stat_user_indexes "
    "WHERE relname LIKE 'factos\\_%')"
)
_MARIADB = (
    "SELECT sum(variable_value) FROM information_schema.session_status "
    "WHERE variable_name LIKE 'Handler_read%' AND variable_name <> 'Handler_read_rnd_deleted'"
)


@dataclass
class Statement:
    """A statement, and how many rows it read of tables and indexes."""

    sql: str
    rows: int = 0


def statements_of(using: str, work: Callable[[], Any]) -> list[Statement]:
    """Return the statements that ``work``, which only reads, sends to the database ``using``."""
    counted = {"postgresql": _by(_POSTGRESQL), "mysql": _by(_MARIADB), "sqlite": _by_steps}
    found: list[Statement] = []
    with transaction.atomic(using=using), counted[connections[using].vendor](using, found):
        work()
    return found


def _by(sql: str) -> Callable[[str, list[Statement]], Any]:
    @contextmanager
    def counting(using: str, found: list[Statement]) -> Iterator[None]:
        def told() -> int:
            with connections[using].connection.cursor() as cursor:  # past the wrapper
                cursor.execute(sql)
                return int(cursor.fetchone()[0] or 0)

        before = told()
        idle = told() - before

        def count(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
            before = told()
            answer = execute(statement, params, many, context)
            found.append(Statement(statement, told() - before - idle))
            return answer

        with connections[using].execute_wrapper(count):
            yield

    return counting


@contextmanager
def _by_steps(using: str, found: list[Statement]) -> Iterator[None]:
    def step() -> None:
        if found:  # SQLite looks while its rows are fetched
            found[-1].rows += 1

    def note(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        found.append(Statement(statement))
        return execute(statement, params, many, context)

    connection = connections[using].connection
    connection.set_progress_handler(step, _STEPS_A_ROW)
    try:
        with connections[using].execute_wrapper(note):
            yield
    finally:
        connection.set_progress_handler(None, 0)
