"""A long log with all that makes pages slow: broad tags, one that a single old fact carries, many effects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from factos_django.models import Effect, Event

__all__ = ["LongLog", "fill"]

#: Facts of one context, and of one correlation.
_OF_A_CONTEXT = 10
#: One fact in so many is of the rare type.
_OF_RARE_TYPE = 1000
_SECONDS_APART = 0.5

_EVENTS = """
INSERT INTO factos_event (id, type, version, data, metadata, tags, recorded_at)
{numbers} SELECT {id}, {type}, 1, {data}, {metadata}, {tags}, {recorded_at} FROM {source} ORDER BY n
"""
_TAGS = """
INSERT INTO factos_tag (event_id, value, type)
{numbers} SELECT {first} - 1 + n, {value}, {type} FROM {source} WHERE {condition} ORDER BY n
"""
_TYPE = f"CASE WHEN n % {_OF_RARE_TYPE} = 0 THEN 'rare.Noted' ELSE '{{type}}' END"
_HALF = "'half:' || CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END"
# In parentheses: SQLite joins texts before it computes.
_CONTEXT = "'context:' || (n % {contexts})"
_TAGS_JSON = (
    f"'[\"' || {_CONTEXT} || '\", \"' || {_HALF} || '\"' "
    "|| CASE WHEN n = {old} THEN ', \"order:old\"' ELSE '' END || ']'"
)
_METADATA = (
    f"'{{{{\"correlation_id\": \"c' || (n / {_OF_A_CONTEXT}) || '\"' "
    f"|| CASE WHEN n % {_OF_A_CONTEXT} = 0 THEN '' "
    "ELSE ', \"causation_id\": \"' || {cause} || '\"' END || '}}'"
)


@dataclass(frozen=True, slots=True)
class LongLog:
    """What there is in it, for addresses.

    Attributes:
        first, middle, last: Positions.
        old: The position of the one fact with the tag ``order:old``; ``half:even`` has half of all facts, and
            ``half:odd`` the others.
        since, until: An hour in the middle.
        effect: The id of an effect that is dead.
        middle_effect: The id of one in the middle.
    """

    first: int
    middle: int
    last: int
    old: int
    since: datetime
    until: datetime
    effect: int
    middle_effect: int


def fill(using: str, size: int, effects: int, *, type: str, data: str) -> LongLog:
    """Record ``size`` facts of ``type`` with these data, and so many effects of them, in an empty log.

    They are half a second apart; the last one is of now. PostgreSQL and SQLite.
    """
    now = datetime.now(UTC)
    first = _fill_events(using, size, type, data)
    middle = now - timedelta(seconds=_SECONDS_APART * size / 2)
    dead = _fill_effects(using, first, size, effects, now)
    _analyze(using)
    return LongLog(
        first=first,
        middle=first + size // 2,
        last=first + size - 1,
        old=first + size // _OF_A_CONTEXT - 1,
        since=middle,
        until=middle + timedelta(seconds=min(3600, _SECONDS_APART * size / 4)),
        effect=dead,
        middle_effect=dead + effects // 2,
    )


def _fill_events(using: str, size: int, type: str, data: str) -> int:
    contexts = size // _OF_A_CONTEXT
    known = {"contexts": contexts, "old": contexts, "size": size, "type": type}
    parts = _parts(connections[using].vendor, known)
    json = {
        "data": f"'{data}'",
        "metadata": _METADATA.format(cause=parts["cause"]),
        "tags": _TAGS_JSON.format(**known),
    }
    cast = "::jsonb" if connections[using].vendor == "postgresql" else ""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        written = {name: f"({sql}){cast}" for name, sql in json.items()}
        cursor.execute(_EVENTS.format(**parts, **written, type=_TYPE.format(type=type)))
        first = Event.objects.using(using).order_by("position").values_list("position", flat=True)[0]
        for value, condition in (
            (_CONTEXT.format(**known), "true"),
            (_HALF, "true"),
            ("'order:old'", f"n = {contexts}"),
        ):
            known_parts = {**parts, "value": value, "condition": condition, "first": first}
            cursor.execute(_TAGS.format(**known_parts, type=_TYPE.format(type=type)))
    return int(first)


def _parts(vendor: str, known: dict[str, Any]) -> dict[str, str]:
    """Return what the two databases write differently."""
    size, apart = known["size"], _SECONDS_APART
    if vendor == "postgresql":
        id = "('00000000-0000-0000-0000-' || lpad(to_hex({n}), 12, '0'))"
        return {
            "numbers": "",
            "source": f"generate_series(1, {size}) AS n",
            "id": f"{id.format(n='n')}::uuid",
            "cause": id.format(n="n - 1"),
            "recorded_at": f"clock_timestamp() - ({size} - n) * interval '{apart} s'",
        }
    ago = f"'-' || (({size} - n) * {apart}) || ' seconds'"
    return {
        "numbers": "WITH RECURSIVE numbers (n) AS "
        f"(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {size})",
        "source": "numbers",
        "id": "printf('%032x', n)",
        "cause": "('00000000-0000-0000-0000-' || printf('%012x', n - 1))",
        "recorded_at": f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {ago})",
    }


def _fill_effects(using: str, first: int, size: int, effects: int, now: datetime) -> int:
    """Make effects of the newest facts: nine in ten are done, two in a hundred are dead, the rest waits."""
    rows = _effects(range(max(first, first + size - effects), first + size), first, now)
    Effect.objects.using(using).bulk_create(rows, batch_size=2_000)
    return int(Effect.objects.using(using).filter(state="dead").values_list("pk", flat=True)[0])


def _effects(positions: Iterable[int], first: int, now: datetime) -> Iterator[Effect]:
    for position in positions:
        rest = position % 100
        state = "dead" if rest < 2 else "pending" if rest < 9 else "dropped" if rest == 9 else "done"
        ended, error = state != "pending", "ValueError: no" if state == "dead" else ""
        yield Effect(
            event_id=UUID(int=position - first + 1),
            reactor="bench.tell",
            name="tally.Tell",
            key="",
            position=position,
            version=1,
            data='{"subject": "a", "amount": "5.00"}',
            created_at=now,
            ordering_key=f"key-{position % 50}" if position % 50 < 5 else None,
            holds=position % 50 < 5 and state not in ("done", "dropped"),
            state=state,
            available_at=now,
            publish_at=None if ended else now,
            attempts=int(ended),
            error=error,
            failed_at=now if error else None,
            finished_at=now if ended else None,
        )


def _analyze(using: str) -> None:
    """Count, as autovacuum would some time after a big import."""
    statement = "ANALYZE" if connections[using].vendor == "sqlite" else "VACUUM (ANALYZE)"
    with connections[using].cursor() as cursor:
        cursor.execute(statement)
