from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from factos_django.guards import guard_for
from tests.guards.sessions import Session, guard_of_session
from tests.stores import Store

Opener = Callable[..., Session]
Sql = Callable[..., list[tuple[Any, ...]]]
SetSequence = Callable[[int, bool], None]


@pytest.fixture
def session(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    """Opens sessions on the database of the test: ``session("a")``, ``session("b", guard="log")``."""
    for module in ("recording", "contexts"):
        monkeypatch.setattr(f"factos_django.store.{module}.guard_for", guard_of_session(guard_for))
    opened: list[Session] = []

    def open_session(name: str, guard: str | None = None) -> Session:
        opened.append(Session(store.using, name, guard))
        return opened[-1]

    yield open_session
    for each in opened:
        each.close()


@pytest.fixture
def sql(store: Store) -> Sql:
    """Executes a statement over the test's own connection and returns its rows."""

    def execute(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connections[store.using].cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall()) if cursor.description else []

    return execute


@pytest.fixture
def sequence(store: Store, sql: Callable[..., list[tuple[Any, ...]]]) -> Iterator[SetSequence]:
    """Sets the sequence of positions; afterwards it is as it was."""
    ((last, called),) = sql("SELECT last_value, is_called FROM factos_event_position_seq")

    def set_sequence(value: int, is_called: bool) -> None:
        sql("SELECT setval('factos_event_position_seq', %s, %s)", value, is_called)

    yield set_sequence
    set_sequence(last, called)


@pytest.fixture
def shadowed(store: Store, sql: Sql) -> Iterator[Sql]:
    """Defines things in a schema that a session sees before the catalog, once it runs SHADOWS."""
    sql("CREATE SCHEMA shadow")
    yield sql
    sql("DROP SCHEMA shadow CASCADE")
