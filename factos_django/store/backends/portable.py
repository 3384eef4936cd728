"""Plain SQL for SQLite and MariaDB, under the guard row: one writer at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connections

from factos_django.core.query import Query
from factos_django.guards import Claim
from factos_django.sql.postgresql import MOST_CONFLICTS
from factos_django.store.backends.contract import Done, Outcome
from factos_django.store.matching import Slice, matching_positions
from factos_django.store.narrowing import narrowest_first
from factos_django.store.prepared import Prepared
from factos_django.store.repetition import is_known_key, knows_ids
from factos_django.store.request import Decided, Request
from factos_django.store.rows import Row, select_matching
from factos_django.store.writing import insert_events, insert_key

__all__ = ["UnderGuardRow"]


class UnderGuardRow:
    """Reads, checks and writes by a statement each; whoever holds the guard row is alone."""

    def is_one_statement(self, request: Request, prepared: Sequence[Prepared]) -> bool:
        """Return False."""
        return False

    def append(
        self, request: Request, claim: Claim, prepared: Sequence[Prepared], after: int, moment: datetime
    ) -> Done:
        """Look for a repetition, check, and insert."""
        # Before any condition: a repetition would fail on what it recorded itself.
        if request.key is not None and is_known_key(request.key, request.using):
            return Done(Outcome.KNOWN_KEY)
        if knows_ids(prepared, request.using):
            return Done(Outcome.KNOWN_IDS)
        if request.query is not None and (found := _conflicts(request.query, after, request.using)):
            return Done(Outcome.CONFLICT, found)
        return _insert(request, Decided(tuple(prepared)), moment)

    def context(
        self, request: Request, claim: Claim, *, after: int = 0, most: int | None = None
    ) -> list[Row] | None:
        """Read it in one statement."""
        if request.key is not None and is_known_key(request.key, request.using):
            return None
        query = request.query or Query.all()
        is_mariadb = connections[request.using].vendor == "mysql"
        part = Slice(after=after, limit=most, by_type=most is not None, as_ranges=is_mariadb)
        return select_matching(narrowest_first(query, request.using), part, request.using)

    def record(self, request: Request, decided: Decided, moment: datetime) -> Done:
        """Look for the ids that the decision gave, and insert."""
        if knows_ids(decided.prepared, request.using):
            return Done(Outcome.KNOWN_IDS)
        return _insert(request, decided, moment)


def _conflicts(query: Query, after: int, using: str) -> list[int]:
    part = Slice(after=after, limit=MOST_CONFLICTS)
    sql, parameters = matching_positions(narrowest_first(query, using), part)
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT position FROM ({sql}) AS matching ORDER BY position LIMIT {part.limit}", parameters
        )
        return [row[0] for row in cursor.fetchall()]


def _insert(request: Request, decided: Decided, moment: datetime) -> Done:
    positions = insert_events(decided.prepared, decided.decision, moment, request.using)
    if request.key is not None:
        seen = positions[-1] if positions else decided.position
        insert_key(request.key, request.digest, positions, seen, moment, request.using)
    return Done(Outcome.RECORDED, positions)
