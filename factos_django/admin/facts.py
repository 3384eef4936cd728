"""Facts as the pages of the admin show them, whatever this code knows of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from factos_django.admin.quoting import quoted
from factos_django.core.canonical_json import decode_json, encode_json
from factos_django.models import Event
from factos_django.store.rows import EventRow, recorded_moment

__all__ = ["Shown", "TagLink", "as_json", "shown_event", "shown_events", "summary_of", "tag_links"]

#: So much of a summary is shown (characters).
_SUMMARY = 120


@dataclass(frozen=True, slots=True)
class TagLink:
    """A tag, and how an address names it."""

    value: str
    quoted: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page says of an event beside its columns.

    Attributes:
        summary: Its data in one line; empty for a user who may not see them.
        tags: Its tags, for links.
        is_followed: Whether it lies below the stable head.
        unreadable: The columns that hold no JSON (somebody edited the row), as the text that they hold.
    """

    summary: str
    tags: tuple[TagLink, ...]
    is_followed: bool
    unreadable: dict[str, str]


def shown_events(rows: Iterable[EventRow], head: int, using: str, *, with_data: bool) -> list[Event]:
    """Return the events of ``rows``; see ``shown_event``."""
    return [shown_event(row, head, using, with_data=with_data) for row in rows]


def shown_event(row: EventRow, head: int, using: str, *, with_data: bool) -> Event:
    """Return an instance of Event that was made of ``row``, with a ``Shown`` as its attribute ``shown``.

    It is no row to work with: ``data`` is None for a user who may not see it.
    """
    stored = {"metadata": row.metadata, "tags": row.tags} | ({"data": row.data} if with_data else {})
    read: dict[str, Any] = {"data": None}
    unreadable = {}
    for name, text in stored.items():
        read[name], is_broken = as_json(text)
        if is_broken:
            unreadable[name] = str(text)
    tags = _tags_in(read["tags"])
    event = Event(
        position=row.position,
        id=row.uuid,
        type=row.type,
        version=row.version,
        recorded_at=recorded_moment(row, using),
        **(read | {"tags": tags}),
    )
    event.shown = Shown(  # type: ignore[attr-defined]
        summary=summary_of(read["data"]) if with_data and "data" not in unreadable else "",
        tags=tag_links(tags),
        is_followed=row.position <= head,
        unreadable=unreadable,
    )
    return event


def _tags_in(value: Any) -> list[str]:
    """Return the tags in what is stored of them; somebody may have stored what are none, or no list."""
    return [each for each in value if isinstance(each, str) and each] if isinstance(value, list) else []


def tag_links(tags: Iterable[str]) -> tuple[TagLink, ...]:
    """Return ``tags`` for links."""
    return tuple(TagLink(each, quoted(each)) for each in tags)


def as_json(text: str) -> tuple[Any, bool]:
    """Return the value of stored JSON, and whether it is broken."""
    try:
        return decode_json(text), False
    except (ValueError, RecursionError):
        return None, True


def summary_of(data: Any) -> str:
    """Return ``data`` in one line."""
    if isinstance(data, dict):
        said = ", ".join(f"{name}: {_short(value)}" for name, value in data.items())
    else:
        said = _short(data)
    return said if len(said) <= _SUMMARY else f"{said[: _SUMMARY - 1]}…"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "{…}" if value else "{}"
    if isinstance(value, list):
        return f"[{len(value)}]"
    if value is None or isinstance(value, bool):
        return str(encode_json(value), "ascii")
    return str(value)
