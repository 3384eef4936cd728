"""The calls of the database's functions on PostgreSQL: one for an append, two for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connections

from factos_django.conf import lock_timeout_milliseconds
from factos_django.core.canonical_json import encode_json
from factos_django.core.query import Query
from factos_django.guards import Claim
from factos_django.store.backends.contract import Done, Outcome
from factos_django.store.backends.copying import COPIED_FROM, copy_events
from factos_django.store.prepared import Prepared
from factos_django.store.request import Decided, Request
from factos_django.store.rows import Stored, stored_of_line

__all__ = ["ByFunctions"]

_APPEND = (
    "SELECT outcome, positions FROM factos_append_1(%s, %s::text[], %s::jsonb, %s::text[], %s, "
    "%s, %s, %s::uuid[], %s, %s, %s::jsonb, %s)"
)
_CONTEXT = "SELECT factos_context_1(%s, %s::text[], %s::jsonb, %s::text[], %s, %s)"
_RECORD = (
    "SELECT outcome, positions FROM factos_record_1(%s::text[], %s, %s, %s, %s::uuid[], %s, %s, "
    "%s::jsonb, %s::jsonb, %s)"
)


class ByFunctions:
    """Calls the functions of ``factos_django.sql.postgresql``, which lock, check, draw and insert."""

    def is_one_statement(self, request: Request, prepared: Sequence[Prepared]) -> bool:
        """Tell whether there are too few events to copy, and no key to be kept with known ids."""
        ids_and_key = request.key is not None and any(each.repeatable for each in prepared)
        return len(prepared) < COPIED_FROM and not ids_and_key

    def append(
        self, request: Request, claim: Claim, prepared: Sequence[Prepared], after: int, moment: datetime
    ) -> Done:
        """Make one call, and copy where there are many events."""
        parameters = [
            *_locks(claim),
            *_repetition(request, prepared),
            after,
            *_events(prepared),
            moment,
        ]
        return _done(_APPEND, parameters, Decided(tuple(prepared)), moment, request.using)

    def context(self, request: Request, claim: Claim) -> list[Stored] | None:
        """Lock and read in one call."""
        with connections[request.using].cursor() as cursor:
            cursor.execute(_CONTEXT, [*_locks(claim), request.key])
            lines = [line for (line,) in cursor.fetchall()]
        return None if lines == [None] else [stored_of_line(line) for line in lines]

    def record(self, request: Request, claim: Claim, decided: Decided, moment: datetime) -> Done:
        """Share the tags of the new events and insert in one call, and copy where there are many."""
        parameters = [
            list({tag for each in decided.prepared for tag in each.tags}),
            _wait(),
            *_repetition(request, decided.prepared),
            decided.position,
            *_events(decided.prepared),
            decided.decision,
            moment,
        ]
        return _done(_RECORD, parameters, decided, moment, request.using)


def _done(call: str, parameters: list[Any], decided: Decided, moment: datetime, using: str) -> Done:
    with connections[using].cursor() as cursor:
        cursor.execute(call, parameters)
        outcome, positions = cursor.fetchone()
    if outcome == Outcome.RECORDED.value and len(decided.prepared) >= COPIED_FROM:
        copy_events(decided, positions, moment, using)
    return Done(Outcome(outcome), positions or ())


def _wait() -> str:
    return str(lock_timeout_milliseconds())


def _locks(claim: Claim) -> tuple[Any, ...]:
    """Return the arguments that say what to lock, and for how long to wait (milliseconds)."""
    shares = [] if claim.whole_log else list(claim.shares)
    return claim.whole_log, list(claim.keys), _items(claim.query), shares, _wait()


def _items(query: Query | None) -> str | None:
    if query is None:
        return None
    return encode_json([{"tags": item.tags, "types": item.types} for item in query.items]).decode()


def _repetition(request: Request, prepared: Sequence[Prepared]) -> tuple[Any, ...]:
    """Return the arguments by which a repetition is known: key, its digest, and the client's ids."""
    return request.key, request.digest, [str(each.id) for each in prepared if each.repeatable]


def _events(prepared: Sequence[Prepared]) -> tuple[int, str | None]:
    """Return how many events there are, and they themselves, unless they are to be copied."""
    if len(prepared) >= COPIED_FROM:
        return len(prepared), None
    return len(prepared), f"[{','.join(map(_event, prepared))}]"


def _event(p: Prepared) -> str:
    # The texts are JSON already; ids and names need no escaping.
    return (
        f'{{"id":"{p.id}","type":"{p.type}","version":{p.version},"data":{p.data_text},'
        f'"metadata":{p.metadata_text},"tags":{p.tags_text}}}'
    )
