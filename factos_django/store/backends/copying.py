"""COPY: how many events get into PostgreSQL at once, after their positions are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from django.db import connections

from factos_django.store.prepared import Prepared
from factos_django.store.request import Decided

__all__ = ["COPIED_FROM", "copy_events"]

#: From so many events on, copying is faster than handing them to a function (events).
COPIED_FROM = 50

_EVENTS = (
    "COPY factos_event (position, id, type, version, data, metadata, decision, tags, recorded_at) FROM STDIN"
)
_TAGS = "COPY factos_tag (event_id, value, type) FROM STDIN"
_LINES_AT_ONCE = 1000


def copy_events(decided: Decided, positions: Sequence[int], moment: datetime, using: str) -> None:
    """Store the events at ``positions``, which this transaction drew, and their tags."""
    _copy(_EVENTS, _event_lines(decided, positions, moment), using)
    _copy(_TAGS, _tag_lines(decided.prepared, positions), using)


def _event_lines(decided: Decided, positions: Sequence[int], moment: datetime) -> Iterator[str]:
    # JSON escapes every control character, so that the backslash alone needs care (PostgreSQL's manual,
    # COPY, text format).
    decision = r"\N" if decided.decision is None else decided.decision.replace("\\", "\\\\")
    time = moment.isoformat()
    for position, p in zip(positions, decided.prepared, strict=True):
        texts = f"{p.data_text}\t{p.metadata_text}".replace("\\", "\\\\")
        tags = p.tags_text.replace("\\", "\\\\")
        yield f"{position}\t{p.id}\t{p.type}\t{p.version}\t{texts}\t{decision}\t{tags}\t{time}\n"


def _tag_lines(prepared: Sequence[Prepared], positions: Sequence[int]) -> Iterator[str]:
    for position, p in zip(positions, prepared, strict=True):
        for tag in p.tags:
            yield f"{position}\t{tag}\t{p.type}\n".replace("\\", "\\\\")


def _copy(statement: str, lines: Iterable[str], using: str) -> None:
    connection = connections[using]
    rest = iter(lines)
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        while chunk := "".join(islice(rest, _LINES_AT_ONCE)):
            copy.write(chunk)
