"""Effects as the pages of the admin show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import TextChoices

from factos_django.models import Effect

__all__ = ["UNFINISHED", "Shown", "shown_effects", "state_mark"]

UNFINISHED: tuple[TextChoices, ...] = (Effect.State.PENDING, Effect.State.RUNNING)

#: So much of an error is shown in a line (characters).
_ERROR = 120

#: Looked up once: Django would make a table of them for each row.
_STATES = dict(Effect.State.choices)

#: Beside the words of a state, for whoever looks for it in a long list.
_MARKS = {
    Effect.State.PENDING.value: "○",
    Effect.State.RUNNING.value: "▷",
    Effect.State.DONE.value: "✓",
    Effect.State.DEAD.value: "✕",
    Effect.State.DROPPED.value: "∅",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page says of an effect beside its columns.

    Attributes:
        state: Its state, in words.
        mark: A character that stands for its state, and means nothing by itself.
        next_try: When it is tried, or looked after, next; None once it is finished.
        error: That of the last attempt that failed, in one line; empty for a user who may not see data.
        fact_url: The page of its fact; empty for a user who may not see facts.
    """

    state: str
    mark: str
    next_try: datetime | None
    error: str
    fact_url: str


def shown_effects(rows: Iterable[Effect], *, with_data: bool, fact_url: Any) -> list[Any]:
    """Return ``rows``, each with a ``Shown`` as its attribute ``shown``.

    ``fact_url`` is asked for the address of the page of a fact, by its position.
    """
    effects: list[Any] = list(rows)
    for each in effects:
        each.shown = Shown(
            state=str(_STATES.get(each.state, each.state)),
            mark=state_mark(each.state),
            next_try=_next_try(each),
            error=_one_line(each.error) if with_data else "",
            fact_url=fact_url(each.position),
        )
    return effects


def state_mark(state: str) -> str:
    """Return a character for ``state``."""
    return _MARKS.get(state, "")


def _next_try(effect: Effect) -> datetime | None:
    """Return when it is due; of one that was due, when a relay looks again whether anybody has it."""
    if effect.state not in UNFINISHED:
        return None
    moments: list[datetime] = [effect.available_at, effect.publish_at or effect.available_at]
    return max(moments)


def _one_line(error: str) -> str:
    line = " ".join(error[: 10 * _ERROR].split())
    return line if len(line) <= _ERROR else f"{line[: _ERROR - 1]}…"
