"""The calls of the database's functions on PostgreSQL: one for an append, two for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import connections

from factos_django.conf import lock_timeout_milliseconds
from factos_django.core.canonical_json import encode_unchecked
from factos_django.core.query import QueryItem
from factos_django.guards import Claim
from factos_django.store.backends.contract import Done, Outcome
from factos_django.store.backends.copying import COPIED_FROM, copy_events
from factos_django.store.prepared import Prepared
from factos_django.store.request import Decided, Request
from factos_django.store.rows import Row

__all__ = ["ByFunctions"]

_APPEND = "SELECT factos_append_3(%s, %s, %s)"
_CONTEXT = "SELECT * FROM factos_context_4(%s)"
_RECORD = "SELECT factos_record_4(%s, %s, %s, %s)"


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
        asked = _locks(claim) | _identity(request, prepared) | {"after": after}
        done = _done(_APPEND, [_text(asked), _events(prepared), moment], request.using)
        return _copied(done, Decided(tuple(prepared)), moment, request.using)

    def context(
        self, request: Request, claim: Claim, *, after: int = 0, most: int | None = None
    ) -> list[Row] | None:
        """Lock and read in one call."""
        part = {"after": after, "most": most}
        with connections[request.using].cursor() as cursor:
            cursor.execute(_CONTEXT, [_text(_locks(claim) | {"key": request.key} | part)])
            rows: list[Row] = cursor.fetchall()
        return None if rows and rows[0][0] is None else rows

    def record(self, request: Request, decided: Decided, moment: datetime) -> Done:
        """Share the tags of the new events and insert in one call, and copy where there are many."""
        shares = {tag for each in decided.prepared for tag in each.tags}
        asked = _identity(request, decided.prepared) | {
            "shares": shares,
            "rows": decided.rows,
            "seen": decided.position,
        }
        parameters = [_text(asked | _wait()), _events(decided.prepared), decided.decision, moment]
        return _copied(_done(_RECORD, parameters, request.using), decided, moment, request.using)


_DONE = msgspec.json.Decoder(Done)


def _done(call: str, parameters: list[Any], using: str) -> Done:
    with connections[using].cursor() as cursor:
        cursor.execute(call, parameters)
        (text,) = cursor.fetchone()
    return _DONE.decode(text)


def _copied(done: Done, decided: Decided, moment: datetime, using: str) -> Done:
    if done.outcome is Outcome.RECORDED and len(decided.prepared) >= COPIED_FROM:
        copy_events(decided, done.positions, moment, using)
    return done


def _text(asked: dict[str, Any]) -> str:
    return encode_unchecked(asked).decode()  # tags and keys were checked when they were given


def _wait() -> dict[str, str]:
    return {"wait": str(lock_timeout_milliseconds())}


def _locks(claim: Claim) -> dict[str, Any]:
    """Return what to lock, and for how long to wait."""
    return {
        "whole_log": claim.whole_log,
        "keys": claim.keys,
        "items": None if claim.query is None else [_item(item) for item in claim.query.items],
        "shares": () if claim.whole_log else claim.shares,
        "rows": () if claim.whole_log else claim.rows,
        **_wait(),
    }


def _item(item: QueryItem) -> dict[str, tuple[str, ...]]:
    return {"tags": item.tags, "types": item.types}


def _identity(request: Request, prepared: Sequence[Prepared]) -> dict[str, Any]:
    """Return by what a repetition is known, and how many events there are."""
    ids = [each.id for each in prepared if each.repeatable]
    return {"key": request.key, "digest": request.digest, "ids": ids, "count": len(prepared)}


def _events(prepared: Sequence[Prepared]) -> str | None:
    """Return the events as JSON, unless they are to be copied."""
    return None if len(prepared) >= COPIED_FROM else f"[{','.join(map(_event, prepared))}]"


def _event(p: Prepared) -> str:
    # The texts are JSON already; ids and names need no escaping.
    return (
        f'{{"id":"{p.id}","type":"{p.type}","version":{p.version},"data":{p.data_text},'
        f'"metadata":{p.metadata_text},"tags":{p.tags_text}}}'
    )
