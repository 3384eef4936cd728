"""What a command is answered with, as types: its description is made from them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from factos_django.rest_framework.answers import Answer, ProblemAnswer

__all__ = ["CommandAnswer", "CommandBodyProblem", "CommandEvent", "CommandRefusal", "PlaceAnswer"]


class CommandEvent(Answer):
    """A fact that the command added."""

    id: UUID
    type: str
    position: int


class CommandAnswer(Answer):
    """What the command added, and the position up to which it is known: give it to ``wait_for``."""

    events: list[CommandEvent]
    position: int


class PlaceAnswer(Answer):
    """What is wrong in a body, and where: ``$.buyer``."""

    path: str
    detail: str


class CommandBodyProblem(ProblemAnswer, kw_only=True):
    """The body does not fit."""

    errors: list[PlaceAnswer] | UnsetType = UNSET


class CommandRefusal(ProblemAnswer, kw_only=True):
    """The business said no: ``code`` says which no, and ``fields`` what it is about."""

    code: str | UnsetType = UNSET
    fields: dict[str, Any] | UnsetType = UNSET
