"""``effects/``: what reactors asked for, what became of it, and what can be done about it.

Data of an effect comes from a fact, and the words of an error may quote it, so both are sent to those alone
who may see the data of facts. No traceback is sent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.core.canonical_json import decode_json, encode_json
from factos_django.core.delivery import effect_key
from factos_django.core.errors import UnknownEffect
from factos_django.core.position import LAST_POSITION
from factos_django.effects.finding import EffectFilter, effects_matching
from factos_django.effects.steering import drop, retry
from factos_django.models import Effect, EffectAction
from factos_django.models.effects import EFFECT_MOMENTS
from factos_django.rest_framework.actor import actor_of
from factos_django.rest_framework.answers import Answer
from factos_django.rest_framework.bodies import (
    Body,
    NoParameters,
    Position,
    body_of,
    optional_body_of,
    parameters_of,
)
from factos_django.rest_framework.limits import Limit, checked_limit
from factos_django.rest_framework.moments import MomentText, moment_of, moment_text
from factos_django.rest_framework.next_page import next_page
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.problems import Problem
from factos_django.rest_framework.surface import Surface

__all__ = ["EffectDetail", "EffectDrop", "EffectList", "EffectRetry"]

State = Annotated[
    Literal["pending", "running", "done", "dead", "dropped"], Meta(extra_json_schema={"type": "string"})
]
Reason = Annotated[str, Meta(max_length=1_000, description="Why, in words; it is kept.")]

_ID = {"id": "The id of the effect."}


class EffectParameters(Body, kw_only=True):
    """Which effects: those to which all of it applies."""

    state: State | None = None
    name: Annotated[str, Meta(description="Of its type.")] | None = None
    reactor: Annotated[str, Meta(description="Who asked for it.")] | None = None
    ordering_key: str | None = None
    event_id: Annotated[UUID, Meta(description="The fact that called for it.")] | None = None
    position: Annotated[Position, Meta(description="The same, by its position.")] | None = None
    created_after: MomentText | None = None
    created_before: MomentText | None = None
    before: Annotated[Position, Meta(description="Below this id.")] | None = None
    limit: Limit = None


class RetryBody(Body):
    """With ``behind``, those that died behind it in its order are tried again, too."""

    behind: bool = False
    reason: Reason = ""


class DropBody(Body):
    """Why it is given up."""

    reason: Reason


class ActionAnswer(Answer):
    """What somebody did to an effect: the state and the attempts are those before."""

    action: Annotated[Literal["retry", "drop"], Meta(extra_json_schema={"type": "string"})]
    state: State
    attempts: int
    reason: str
    actor: str
    acted_at: datetime


class EffectAnswer(Answer, kw_only=True):
    """An effect. Its ``effect_key`` is what the far end knows it by."""

    id: int
    effect_key: UUID
    key: str
    reactor: str
    name: str
    version: int
    position: int
    event_id: UUID
    ordering_key: str | None
    holds: Annotated[bool, Meta(description="Whether later ones of its ordering key wait for it.")]
    state: State
    attempts: int
    publications: int
    created_at: datetime
    available_at: datetime
    publish_at: datetime | None
    published_at: datetime | None
    leased_until: datetime | None
    failed_at: datetime | None
    finished_at: datetime | None
    error: Annotated[str, Meta(description="Left out where the user may not see data.")] | UnsetType = UNSET
    data: Annotated[Any, Meta(description="Left out where the user may not see it.")] | UnsetType = UNSET


class EffectInFull(EffectAnswer, kw_only=True):
    """An effect, and what was done to it by hand."""

    actions: list[ActionAnswer]


class EffectRetried(EffectInFull, kw_only=True):
    """An effect as it is now, and how many are due because of the retry."""

    due: int


class EffectsAnswer(Answer):
    """Effects, those that were asked for last first, and where to ask for more."""

    effects: list[EffectAnswer]
    next: str | None


class EffectSurface(Surface):
    """What concerns effects."""

    heading = "effects"

    @property
    def actor(self) -> str:
        """Who asks, as an ``actor`` in metadata is named; empty for nobody."""
        return actor_of(self.request) or ""

    def effect(self, id: int) -> dict[str, Any]:
        """Return the effect ``id`` in full, as it is now; raise UnknownEffect."""
        row = effects_matching(using=self.using).filter(pk=id).first()
        if row is None:
            raise UnknownEffect(id=id, using=self.using)
        actions = EffectAction.objects.using(self.using).filter(effect_id=id).order_by("pk")
        return {**self.told(row), "actions": [_action_json(each) for each in actions]}

    def told(self, row: Effect) -> dict[str, Any]:
        """Return an effect for an answer."""
        return _json(row, with_data=self.permissions.may_view_event_data())

    def problem(self, error: Exception) -> Problem:
        """Return what is said of ``error``; which database it is about, is no business of the client's."""
        said = super().problem(error)
        if isinstance(error, UnknownEffect):
            return replace(said, detail=f"There is no effect {error.id}. It may have been pruned.")
        return said


class EffectList(EffectSurface):
    """The outbox."""

    allowed_by = {"GET": ("may_view_effects",)}
    throttle_scope = "factos_read"

    @described("list_effects", parameters=EffectParameters, answers={200: EffectsAnswer}, problems=(400, 503))
    def get(self, request: Request) -> Response:
        """List effects, those that were asked for last first."""
        asked = parameters_of(request, EffectParameters)
        limit = checked_limit(asked.limit)
        rows = effects_matching(_filter(asked), using=self.using).defer("traceback")
        if asked.before is not None:
            rows = rows.filter(pk__lt=asked.before)
        found = list(rows[: limit + 1])
        page = found[:limit]
        further = next_page(request, before=page[-1].pk) if len(found) > limit else None
        return Response({"effects": [self.told(row) for row in page], "next": further})


class EffectDetail(EffectSurface):
    """One effect."""

    allowed_by = {"GET": ("may_view_effects",)}
    throttle_scope = "factos_read"

    @described(
        "get_effect",
        parameters=NoParameters,
        path=_ID,
        answers={200: EffectInFull},
        problems=(400, 404, 503),
    )
    def get(self, request: Request, id: str) -> Response:
        """Return an effect, and what was done to it by hand."""
        parameters_of(request, NoParameters)
        return Response(self.effect(_id(id)))


class EffectRetry(EffectSurface):
    """Another attempt."""

    allowed_by = {"POST": ("may_view_effects", "may_retry_effects")}
    throttle_scope = "factos_steer"

    @described(
        "retry_effect",
        path=_ID,
        body=RetryBody,
        answers={200: EffectRetried},
        problems=(400, 404, 409, 413, 415, 503),
    )
    def post(self, request: Request, id: str) -> Response:
        """Have an effect that is dead, was dropped, or is to wait, tried again at once under the same key."""
        asked = optional_body_of(request, RetryBody)
        number = _id(id)
        due = retry(number, behind=asked.behind, reason=asked.reason, actor=self.actor, using=self.using)
        return Response({**self.effect(number), "due": due})


class EffectDrop(EffectSurface):
    """Giving an effect up."""

    allowed_by = {"POST": ("may_view_effects", "may_drop_effects")}
    throttle_scope = "factos_steer"

    @described(
        "drop_effect",
        path=_ID,
        body=DropBody,
        answers={200: EffectInFull},
        problems=(400, 404, 409, 413, 415, 503),
    )
    def post(self, request: Request, id: str) -> Response:
        """Give an effect up: it is not delivered, and what waits for it goes on."""
        asked = body_of(request, DropBody)
        number = _id(id)
        drop(number, reason=asked.reason, actor=self.actor, using=self.using)
        return Response(self.effect(number))


def _id(text: str) -> int:
    """Return the id that stands in an address; what no row can have is not found."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LAST_POSITION))):
        raise NotFound
    number = int(text)
    if number > LAST_POSITION:
        raise NotFound
    return number


def _filter(asked: EffectParameters) -> EffectFilter:
    names = ("state", "name", "reactor", "ordering_key", "event_id", "position")
    return EffectFilter(
        **{name: getattr(asked, name) for name in names},
        created_after=moment_of(asked.created_after, "created_after"),
        created_before=moment_of(asked.created_before, "created_before"),
    )


def _json(row: Effect, *, with_data: bool) -> dict[str, Any]:
    told = ("key", "reactor", "name", "version", "position", "event_id", "ordering_key", "holds", "state")
    payload = {"error": row.error, "data": msgspec.Raw(encode_json(decode_json(row.data)))}
    return {
        "id": row.pk,
        "effect_key": effect_key(row.reactor, row.event_id, row.name, row.key),
        **{name: getattr(row, name) for name in (*told, "attempts", "publications")},
        **{name: _moment_json(getattr(row, name)) for name in EFFECT_MOMENTS},
        **(payload if with_data else {}),
    }


def _action_json(action: EffectAction) -> dict[str, Any]:
    told = ("action", "state", "attempts", "reason", "actor")
    return {**{name: getattr(action, name) for name in told}, "acted_at": moment_text(action.acted_at)}


def _moment_json(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)
