"""``projections/``: where projections stand, and what can be done about them.

What went wrong may be told in words of the project's code that quote a fact, so it is sent to those alone who
may see the data of facts; who works, a host and a process, to those who may have a projection rebuilt. No
traceback is sent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse
from msgspec import UNSET, Meta, UnsetType
from rest_framework.request import Request
from rest_framework.response import Response

from factos_django.core.errors import BrokerUnavailable
from factos_django.projections.declaration import projection_named
from factos_django.projections.resuming import resume
from factos_django.rest_framework.answers import Answer
from factos_django.rest_framework.bodies import NoParameters, Nothing, optional_body_of, parameters_of
from factos_django.rest_framework.moments import moment_text
from factos_django.rest_framework.openapi import described
from factos_django.rest_framework.permissions import ApiPermissions
from factos_django.rest_framework.problems import Problem
from factos_django.rest_framework.surface import Surface
from factos_django.status import (
    LastError,
    ProjectionStatus,
    Run,
    projection_status,
    projection_statuses,
)
from factos_django.store import head
from factos_django.tasks import ask_to_rebuild

__all__ = ["ProjectionDetail", "ProjectionList", "ProjectionRebuild", "ProjectionResume"]

#: Up to so many events that a projection has not applied are counted.
_COUNTED = 10_000

_NAME = {"name": "The name of the projection."}

#: Said by itself: drf-spectacular looks for it where values are named.
_TEXT = Meta(extra_json_schema={"type": "string"})
_Worker = Annotated[str, Meta(description="Left out where the user may not have projections rebuilt.")]


class LagAnswer(Answer):
    """What a projection has not applied yet; ``is_more``: not all of it was counted."""

    events: int
    is_more: bool
    seconds: float


class LastErrorAnswer(Answer, kw_only=True):
    """The fact that a projection could not fold."""

    position: int | None
    event: UUID | None
    error: Annotated[str, Meta(description="Left out where the user may not see data.")] | UnsetType = UNSET
    since: datetime
    attempts: int
    next_attempt_at: datetime | None


class RunAnswer(Answer, kw_only=True):
    """A rebuild, or a check, that is going on: how far it is, and how far it has to go."""

    checks_only: bool
    since: datetime | None
    position: int
    head: int
    events: int
    worker: _Worker | UnsetType = UNSET


class ProjectionAnswer(Answer, kw_only=True):
    """Where a projection stands."""

    name: str
    mode: Annotated[Literal["inline", "async"], _TEXT]
    condition: Annotated[Literal["new", "running", "stopped"], _TEXT]
    needs_rebuild: bool
    position: Annotated[int | None, Meta(description="Its checkpoint, if it is asynchronous.")]
    lag: LagAnswer | None
    last_error: LastErrorAnswer | None
    parked: Annotated[int, Meta(description="The facts that it went on without.")]
    rebuilt_at: datetime | None
    run: RunAnswer | None
    tables: list[str]
    worker: _Worker | UnsetType = UNSET


class ProjectionsAnswer(Answer):
    """All projections, and the stable head, which asynchronous ones go up to."""

    projections: list[ProjectionAnswer]
    head: int


class ResumedAnswer(Answer):
    """Whether it had stopped, or was to wait."""

    resumed: bool


class ProjectionList(Surface):
    """All projections."""

    heading = "projections"
    allowed_by = {"GET": ("may_view_projections",)}
    throttle_scope = "factos_read"

    @described(
        "list_projections", parameters=NoParameters, answers={200: ProjectionsAnswer}, problems=(400, 503)
    )
    def get(self, request: Request) -> Response:
        """List where each projection stands."""
        parameters_of(request, NoParameters)
        stable, using = head(self.using), self.using
        found = [_json(each, self.permissions) for each in projection_statuses(stable, _COUNTED, using)]
        return Response({"projections": found, "head": stable})


class ProjectionDetail(Surface):
    """One projection."""

    heading = "projections"
    allowed_by = {"GET": ("may_view_projections",)}
    throttle_scope = "factos_read"

    @described(
        "get_projection",
        parameters=NoParameters,
        path=_NAME,
        answers={200: ProjectionAnswer},
        problems=(400, 404, 503),
    )
    def get(self, request: Request, name: str) -> Response:
        """Return where a projection stands, and how far a rebuild of it is."""
        parameters_of(request, NoParameters)
        found = projection_status(name, head(self.using), count_to=_COUNTED, using=self.using)
        return Response(_json(found, self.permissions))


class ProjectionRebuild(Surface):
    """A rebuild of a projection."""

    heading = "projections"
    allowed_by = {"POST": ("may_rebuild",)}
    throttle_scope = "factos_steer"

    @described(
        "rebuild_projection",
        path=_NAME,
        body=Nothing,
        answers={202: OpenApiResponse(description="It will be: see Location.")},
        problems=(400, 404, 409, 413, 415, 503),
    )
    def post(self, request: Request, name: str) -> Response:
        """Have a worker compute a projection again. Its ``run`` tells how far that is."""
        optional_body_of(request, Nothing)
        ask_to_rebuild(name, using=self.using)
        return Response(status=202, headers={"Location": request.build_absolute_uri("../")})

    def problem(self, error: Exception) -> Problem:
        """Return what is said of ``error``; where the broker is, is no business of the client's."""
        said = super().problem(error)
        if isinstance(error, BrokerUnavailable):
            return replace(said, detail="The broker takes no messages now, so nothing was begun. Ask again.")
        return said


class ProjectionResume(Surface):
    """Another try of a projection that stopped."""

    heading = "projections"
    allowed_by = {"POST": ("may_rebuild",)}
    throttle_scope = "factos_steer"

    @described(
        "resume_projection",
        path=_NAME,
        body=Nothing,
        answers={200: ResumedAnswer},
        problems=(400, 404, 409, 413, 415, 503),
    )
    def post(self, request: Request, name: str) -> Response:
        """Let a projection that stopped, or is to wait, try again at once from where it is."""
        optional_body_of(request, Nothing)
        return Response({"resumed": resume(name, using=self.using)})


def _json(found: ProjectionStatus, permissions: ApiPermissions) -> dict[str, Any]:
    workers, words = permissions.may_rebuild(), permissions.may_view_event_data()
    told = ("name", "mode", "condition", "needs_rebuild", "position", "parked")
    lag = found.lag
    return {
        **{each: getattr(found, each) for each in told},
        "lag": lag and LagAnswer(lag.events, lag.is_more, lag.seconds),
        "last_error": found.last_error and _error_json(found.last_error, with_words=words),
        "rebuilt_at": found.rebuilt_at and moment_text(found.rebuilt_at),
        "run": found.run and _run_json(found.run, with_worker=workers),
        "tables": [model._meta.label for model in projection_named(found.name).feed.models],
        **({"worker": found.worker} if workers else {}),
    }


def _error_json(error: LastError, *, with_words: bool) -> dict[str, Any]:
    return {
        "position": error.position,
        "event": error.event,
        **({"error": error.error} if with_words else {}),
        "since": moment_text(error.since),
        "attempts": error.attempts,
        "next_attempt_at": error.next_attempt_at and moment_text(error.next_attempt_at),
    }


def _run_json(run: Run, *, with_worker: bool) -> dict[str, Any]:
    told = ("checks_only", "position", "head", "events", *(["worker"] if with_worker else []))
    return {**{each: getattr(run, each) for each in told}, "since": run.since and moment_text(run.since)}
