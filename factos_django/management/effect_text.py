"""Effects as data that has JSON, and in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from factos_django.core.delivery import effect_key
from factos_django.models import Effect, EffectAction
from factos_django.models.effects import EFFECT_MOMENTS

__all__ = ["HEADINGS", "effect_as_data", "effect_as_lines", "effect_as_row", "effect_in_full"]

HEADINGS = ("ID", "STATE", "EFFECT", "POSITION", "ATTEMPTS", "WHEN", "ERROR")

#: Characters of an error in the table; JSON has all.
_ERROR_SHOWN = 60


def effect_as_data(row: Effect) -> dict[str, Any]:
    """Return what a list tells of it: not what is in it."""
    return {
        "id": row.pk,
        "state": row.state,
        "name": row.name,
        "version": row.version,
        "reactor": row.reactor,
        "event_id": str(row.event_id),
        "position": row.position,
        "key": row.key,
        "ordering_key": row.ordering_key,
        "holds": row.holds,
        "attempts": row.attempts,
        "publications": row.publications,
        "worker": row.worker,
        "error": row.error,
        **{name: _iso(getattr(row, name)) for name in EFFECT_MOMENTS},
    }


def effect_in_full(row: Effect) -> dict[str, Any]:
    """Return all that is known of it: its payload, its key at the far end, what was done to it by hand."""
    return {
        **effect_as_data(row),
        "effect_key": effect_key(row.reactor, row.event_id, row.name, row.key),
        "data": json.loads(row.data),
        "traceback": row.traceback,
        "actions": [_action(each) for each in row.actions.order_by("pk")],
    }


def effect_as_row(row: Effect) -> tuple[str, ...]:
    """Return the cells of its line in a table under HEADINGS."""
    error = " ".join(row.error.split())[:_ERROR_SHOWN]
    return (str(row.pk), row.state, row.name, str(row.position), str(row.attempts), _when(row), error)


def effect_as_lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield lines of what ``effect_in_full`` returned."""
    apart = ("actions", "traceback", "data")
    for name, value in told.items():
        if name not in apart and value not in (None, ""):
            yield f"{name:14}{value}"
    yield f"{'data':14}{json.dumps(told['data'], ensure_ascii=False)}"
    for each in told["actions"]:
        yield f"{'action':14}{_action_in_words(each)}"
    if told["traceback"]:
        yield from ("", *told["traceback"].rstrip().splitlines())


def _when(row: Effect) -> str:
    if row.finished_at is not None:
        return _short(row.finished_at)
    if row.state == Effect.State.RUNNING and row.leased_until is not None:
        return f"until {_short(row.leased_until)}"
    return f"from {_short(row.available_at)}"


def _short(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _action(action: EffectAction) -> dict[str, Any]:
    names = ("action", "state", "attempts", "actor", "reason")
    return {name: getattr(action, name) for name in names} | {"acted_at": _iso(action.acted_at)}


def _action_in_words(told: dict[str, Any]) -> str:
    by = f" by {told['actor']}" if told["actor"] else ""
    why = f": {told['reason']}" if told["reason"] else ""
    return f"{told['acted_at']} {told['action']} of a {told['state']} one{by}{why}"
