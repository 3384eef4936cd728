"""What the API answers, as types: its description is made from them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = ["Answer", "EventAnswer", "EventPage", "ProblemAnswer"]


class Answer(Struct):
    """What is answered: a JSON object. (More members may come; a client ignores those it does not know.)"""


class ProblemAnswer(Answer):
    """An error (RFC 9457). Rely on ``status`` and ``type``; ``title`` and ``detail`` are for people."""

    type: str
    title: str
    status: int
    detail: str


class EventAnswer(Answer, kw_only=True):
    """A fact, as it is stored."""

    position: int
    id: UUID
    type: str
    version: int
    tags: list[str]
    #: Left out where the user may not see it.
    data: Annotated[Any, Meta(description="Left out where the user may not see it.")] | UnsetType = UNSET
    metadata: dict[str, str | int | float | bool | None]
    recorded_at: datetime
    unreadable: (
        Annotated[dict[str, str], Meta(description="By member, what is stored and no JSON: the text itself.")]
        | UnsetType
    ) = UNSET


class EventPage(Answer):
    """Facts in the order that was asked for, and the stable head that they were read below."""

    events: list[EventAnswer]
    head: int
