"""``python -m tests.benchmarks.floor JOB``: one client process of the floor, the least possible SQL.

By psycopg, in copies of our tables, with the same columns and indexes; it writes the rows that ours writes (a
test compares them). It has no guard, asks for no condition, and decodes nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from tests.benchmarks.facts import TYPE, Fact
from tests.benchmarks.tasks import TASKS, TASKS_IN_TRANSACTIONS, serve

__all__ = ["DATABASE", "Floor"]

#: The variable of the environment that names the database.
DATABASE = "FACTOS_BENCH_DATABASE"
_PAGE = 1000

_COLUMNS = "id, type, version, data, metadata, tags, recorded_at"
_INSERT = (
    f"WITH event AS (INSERT INTO factos_event ({_COLUMNS}) VALUES (%s, %s, 1, %s, '{{}}', %s, now()) "
    "RETURNING position, type) INSERT INTO factos_tag (event_id, value, type) "
    "SELECT position, tag, type FROM event, (VALUES (%s), (%s)) AS given (tag)"
)
_DRAW = "SELECT nextval('factos_event_position_seq') FROM generate_series(1, %s)"
_COPY_EVENTS = f"COPY factos_event (position, {_COLUMNS}) FROM STDIN"
_COPY_TAGS = "COPY factos_tag (event_id, value, type) FROM STDIN"
_SELECT = (
    "SELECT position, id, type, version, data::text, metadata::text, tags::text, recorded_at "
    "FROM factos_event WHERE"
)
_READ = f"{_SELECT} position IN (SELECT event_id FROM factos_tag WHERE value = %s) ORDER BY position"
_NEXT = f"{_SELECT} position > %s ORDER BY position LIMIT {_PAGE}"


class Floor:
    """The Store protocol as far as it makes sense without an event store: conditions are not asked for."""

    connection: psycopg.Connection[Any]

    def connect(self) -> None:
        # Whatever is done again is a prepared statement; a statement alone is a transaction.
        self.connection = psycopg.connect(os.environ[DATABASE], autocommit=True, prepare_threshold=0)

    def append(self, facts: Sequence[Fact], **_condition: object) -> None:
        if len(facts) > 1:
            self._copy(facts)
        else:
            self._insert(facts[0])

    def decide(self, fact: Fact) -> int:
        with self.connection.transaction():
            self.read_context(fact.context_tag)
            self._insert(fact)
        return 0

    def read_context(self, tag: str) -> int:
        rows = self.connection.execute(_READ, [tag]).fetchall()
        return int(rows[-1][0]) if rows else 0

    def replay(self) -> Iterator[object]:
        after = 0
        while page := self._page(after):
            yield from page
            after = page[-1][0]

    def follow(self, after: int) -> int:
        while page := self._page(after):
            after = page[-1][0]
        return after

    def transaction(self) -> AbstractContextManager[object]:
        return self.connection.transaction()

    def record_and_hold(self, fact: Fact, seconds: float) -> None:
        with self.transaction():
            self._insert(fact)
            time.sleep(seconds)

    def _page(self, after: int) -> list[tuple[Any, ...]]:
        return self.connection.execute(_NEXT, [after]).fetchall()

    def _insert(self, fact: Fact) -> None:
        self.connection.execute(_INSERT, [*_values(fact), *fact.tags])

    def _copy(self, facts: Sequence[Fact]) -> None:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            positions = [position for (position,) in cursor.execute(_DRAW, [len(facts)])]
            with cursor.copy(_COPY_EVENTS) as copy:
                for position, fact in zip(positions, facts, strict=True):
                    id, type, data, tags = _values(fact)
                    copy.write_row((position, id, type, "1", data, "{}", tags, "now"))
            with cursor.copy(_COPY_TAGS) as copy:
                for position, fact in zip(positions, facts, strict=True):
                    for tag in fact.tags:
                        copy.write_row((position, tag, TYPE))


def _values(fact: Fact) -> tuple[str, str, str, str]:
    """Id, type, data and tags as texts; the id begins with the time, as ours does, which the index likes."""
    id = f"{time.time_ns() // 1_000_000:012x}7{os.urandom(10).hex()[1:]}"
    return id, TYPE, fact.data.decode(), json.dumps(fact.tags)


if __name__ == "__main__":
    serve(Floor(), TASKS | TASKS_IN_TRANSACTIONS)
