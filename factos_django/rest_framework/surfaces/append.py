"""``events/append/``: facts that a client decided, recorded all or none, under its condition."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from django.db import Error
from msgspec import Meta
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.core.condition import AppendCondition, AppendConditionFailed
from factos_django.core.errors import EventIdReused
from factos_django.core.metadata import ACTOR, Metadata
from factos_django.core.query import Query
from factos_django.rest_framework.actor import actor_of
from factos_django.rest_framework.answers import Answer, ProblemAnswer
from factos_django.rest_framework.bodies import Body, Position, QueryBody, body_of, query_of
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.permissions import ApiPermissions
from factos_django.rest_framework.problems import PROBLEM_JSON, Problem
from factos_django.rest_framework.proposals import NewEvent, Proposal, proposal_of
from factos_django.rest_framework.surface import IDEMPOTENCY_HEADER, Surface
from factos_django.store import append
from factos_django.store.stored import types_at

__all__ = ["EventAppend"]


class ConditionBody(Body):
    """Refuse if an event matches that stands after a position: that up to which the context was read."""

    fail_if_events_match: QueryBody
    after: Position | None = None


class AppendRequest(Body):
    """Facts, and what must not have happened since the client read what it decided from."""

    events: Annotated[list[NewEvent], Meta(min_length=1)]
    condition: ConditionBody | None = None


class AppendedEvent(Answer):
    """Where a fact stands."""

    id: UUID
    position: int


class Appended(Answer):
    """The facts in the order in which they were sent, and the position of the last one."""

    events: list[AppendedEvent]
    position: int


class Conflict(Answer):
    """An event that failed the condition."""

    position: int
    type: str


class ConflictProblem(ProblemAnswer):
    """The condition failed: read the context again, and decide again."""

    conflicts: list[Conflict]


class EventAppend(Surface):
    """An append by a client."""

    allowed_by = {"POST": ("may_append",)}
    throttle_scope = "factos_append"

    @described(
        "append_events",
        headers={IDEMPOTENCY_HEADER: "1 to 255 characters. An append happens once under it."},
        body=AppendRequest,
        answers={201: Appended, (409, PROBLEM_JSON): ConflictProblem},
        problems=(400, 413, 415, 422, 503),
    )
    def post(self, request: Request) -> Response:
        """Record facts, all or none.

        A ``condition`` fails (409) where an event matches that stands after its position; ``conflicts`` names
        the first hundred. Read the context again, decide again. Under an ``Idempotency-Key``, or where facts
        have an ``id``, the same append asked for again is answered as the first was. Each fact is checked
        against its type; 422 tells where it does not fit.
        """
        asked = body_of(request, AppendRequest)
        condition = None if asked.condition is None else self._condition(asked.condition)
        proposals = [proposal_of(sent, f"$.events[{n}]") for n, sent in enumerate(asked.events)]
        self._refuse_types(proposals)
        recorded = append(
            [each.proposed for each in proposals],
            condition=condition,
            metadata=_signed(request),
            idempotency_key=request.headers.get(IDEMPOTENCY_HEADER),
            using=self.using,
        )
        events = [AppendedEvent(each.id, each.position) for each in recorded]
        return Response(Appended(events, events[-1].position), 201)

    def problem(self, error: Exception) -> Problem:
        """Return what is said of ``error``; which events are in the way, to whom has asked about them."""
        problem = super().problem(error)
        if isinstance(error, AppendConditionFailed):
            return replace(problem, extensions={"conflicts": self._conflicts(error)})
        if isinstance(error, EventIdReused) and not self.is_allowed(_sees_everything):
            return replace(problem, detail=f"Event id {error.id} was used before: give a new event a new id.")
        return problem

    def _condition(self, body: ConditionBody) -> AppendCondition:
        """Return the condition, if the user may ask what it asks: whether such events are there."""
        query = query_of(body.fail_if_events_match)
        if not self.permissions.may_view_events():
            raise PermissionDenied("A condition asks about events, and you may not view them.")
        self.refuse_unreadable(query)
        return AppendCondition(query, after=body.after)

    def _refuse_types(self, proposals: list[Proposal]) -> None:
        permissions = self.permissions
        for each in proposals:
            if not permissions.may_append_type(each.type, each.tags):
                raise PermissionDenied(f"You may not append {each.type} with these tags.")

    def _conflicts(self, error: AppendConditionFailed) -> list[Conflict]:
        try:
            types = types_at(error.positions, using=self.using)
        except Error:  # that it conflicts is known, whatever becomes of the database
            types = {}
        return [Conflict(position, types.get(position, "")) for position in error.positions]


def _sees_everything(user: ApiPermissions) -> bool:
    """Tell whether the user may be told of a position, whatever stands there."""
    return user.may_view_events() and user.may_read(Query.all())


def _signed(request: Request) -> Metadata:
    """Return who sends it, by which the server signs, with or without StampMiddleware."""
    actor = actor_of(request)
    return {} if actor is None else {ACTOR: actor}
