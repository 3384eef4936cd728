"""Errors as answers: problem+json (RFC 9457), the same whatever DEBUG is, without SQL, paths or payloads.

``type`` is a URN of ours, by the class of the error (``urn:factos:append-condition-failed``), on which a
client may rely; ``title`` and ``detail`` are for people.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.utils.log import log_response
from rest_framework.exceptions import (
    APIException,
    NotFound,
    PermissionDenied,
    Throttled,
    ValidationError,
)
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from factos_django.core.condition import AppendConditionFailed
from factos_django.core.domain_error import DomainError
from factos_django.core.errors import (
    BrokerUnavailable,
    ContextTooLarge,
    EffectFinished,
    EffectRunning,
    EncodeError,
    EventIdReused,
    FactosError,
    IdempotencyKeyReused,
    InvalidInput,
    LeaseLost,
    NoBroker,
    NotAnEvent,
    NothingToSkip,
    OutcomeUnknown,
    ProjectionBehind,
    ProjectionElsewhere,
    ProjectionStopped,
    ReasonMissing,
    RebuildNeeded,
    RebuildRunning,
    RetryTransaction,
    StoreBusy,
    UnknownEffect,
    UnknownProjection,
)
from factos_django.core.explained import fields_of
from factos_django.rest_framework.plain_json import plain_json, plain_text
from factos_django.rest_framework.refusals import Refused

__all__ = ["PROBLEM_JSON", "Problem", "answer_to", "of_unknown_outcome", "paths_of", "problem_of"]

PROBLEM_JSON = "application/problem+json"

#: The status of each error that a client can do something about; the first class that fits. What is none of
#: them is our fault, or the operator's: 500, and no word of why.
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (DomainError, 422),
    (EncodeError, 422),
    (NotAnEvent, 422),
    (InvalidInput, 400),
    (ContextTooLarge, 422),
    (IdempotencyKeyReused, 422),
    (EventIdReused, 422),
    (AppendConditionFailed, 409),
    (UnknownProjection, 404),
    (ProjectionElsewhere, 404),
    (ProjectionBehind, 409),
    (ProjectionStopped, 409),
    (RebuildNeeded, 409),
    (RebuildRunning, 409),
    (LeaseLost, 409),
    (NothingToSkip, 409),
    (UnknownEffect, 404),
    (EffectFinished, 409),
    (EffectRunning, 409),
    (ReasonMissing, 400),
    (NoBroker, 503),
    (BrokerUnavailable, 503),
    (StoreBusy, 503),
    (RetryTransaction, 503),
    (OperationalError, 503),
    (InterfaceError, 503),
)

#: After so long a client may ask again where nobody knows better (seconds).
_RETRY_AFTER = "1"

#: Of errors that name the database or what it said: that is for its operators.
_BUSY = "Other appends are in the way. Nothing was recorded: ask again."
_UNKNOWN = "The database broke off before it answered, so nobody knows whether this was recorded."
_AGAIN = "Ask again with the same Idempotency-Key: it is recorded once."
_LOOK = (
    "Ask again if its events have ids: they are recorded once. Otherwise look whether it is there, and give "
    "the next one an Idempotency-Key."
)
_UNEXPECTED = "Something failed here. It is in the server's log."
_UNAVAILABLE = (
    "The database cannot answer now. Ask again; give appends an Idempotency-Key, and they happen once."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is said of an error.

    Attributes:
        status: The status of the answer.
        type: The URN of its cause, or ``about:blank`` where the status says it all.
        detail: What went wrong, and what to do next.
        extensions: Further members, for machines.
        headers: Of the answer.
    """

    status: int
    type: str
    detail: str
    extensions: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return the body."""
        title = HTTPStatus(self.status).phrase
        said = {"type": self.type, "title": title, "status": self.status, "detail": self.detail}
        return {**said, **self.extensions}


def answer_to(error: Exception, context: Mapping[str, Any]) -> Response:
    """Return the answer to ``error``; an exception handler of REST framework.

    What nobody expected is logged, and told to those who listen to ``got_request_exception``.
    """
    view, request = context["view"], context["request"]._request
    problem: Problem = view.problem(error)
    set_rollback()
    if problem.status == 500:
        got_request_exception.send(sender=None, request=request)
    answer = Response(
        problem.as_data(), problem.status, headers=dict(problem.headers), content_type=PROBLEM_JSON
    )
    if problem.status >= 500:
        level = "error" if problem.status == 500 else "warning"  # who is busy has not failed
        said = ("%s: %s", problem.detail, request.path)
        log_response(*said, response=answer, request=request, exception=error, level=level)
    return answer


def problem_of(error: Exception) -> Problem:
    """Return what is said of ``error``."""
    if isinstance(error, Refused):
        return Problem(error.status_code, _urn(type(error)), str(error), error.extensions, error.headers)
    if isinstance(error, APIException):
        return _of_framework(error)
    if isinstance(error, (Http404, DjangoPermissionDenied, SuspiciousOperation, UnreadablePostError)):
        return _of_django(error)
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    problem = Problem(status, _urn(type(error)), plain_text(error), _extensions(error))
    if status == 503:
        problem = replace(problem, headers={"Retry-After": _RETRY_AFTER})
    if isinstance(error, OutcomeUnknown):
        return of_unknown_outcome(None)
    if status == 500:
        return Problem(500, "about:blank", _UNEXPECTED)
    if isinstance(error, (StoreBusy, RetryTransaction)):
        return replace(problem, detail=_BUSY)
    return problem if isinstance(error, (FactosError, DomainError)) else _unavailable(problem)


def of_unknown_outcome(key: str | None) -> Problem:
    """Return what is said where nobody knows whether it is recorded, to a client with this ``key``."""
    next_step, echo = (_LOOK, {}) if key is None else (_AGAIN, {"idempotency_key": key})
    return Problem(500, _urn(OutcomeUnknown), f"{_UNKNOWN} {next_step}", echo)


def _unavailable(problem: Problem) -> Problem:
    return replace(problem, type="urn:factos:database-unavailable", detail=_UNAVAILABLE)


def _of_framework(error: APIException) -> Problem:
    headers = {}
    if authenticate := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = authenticate
    if isinstance(error, Throttled) and (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    if isinstance(error, ValidationError):
        errors = {"errors": paths_of(error.detail)}
        return Problem(error.status_code, "about:blank", "The input was refused.", errors)
    return Problem(error.status_code, "about:blank", str(error.detail), headers=headers)


def _of_django(error: Exception) -> Problem:
    if isinstance(error, Http404):
        return _of_framework(NotFound())
    if isinstance(error, DjangoPermissionDenied):
        return _of_framework(PermissionDenied())
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "about:blank", "The body is too large.")
    return Problem(400, "about:blank", "The request was refused.")


def paths_of(detail: Any) -> list[dict[str, str]]:
    """Return the errors of a serializer, each with its place in the body."""
    return [{"path": path, "detail": said} for path, said in _flat(detail, "$")]


def _flat(detail: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(detail, dict):
        return [found for name, each in detail.items() for found in _flat(each, _below(path, name))]
    if isinstance(detail, list):
        if all(isinstance(each, str) for each in detail):
            return [(path, str(each)) for each in detail]
        return [found for n, each in enumerate(detail) for found in _flat(each, _below(path, n))]
    return [(path, str(detail))]


def _below(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return path if name == api_settings.NON_FIELD_ERRORS_KEY else f"{path}.{name}"


def _extensions(error: Exception) -> dict[str, Any]:
    if isinstance(error, DomainError):
        return {"code": error.code, "fields": {name: plain_json(v) for name, v in fields_of(error).items()}}
    return {}


def _urn(kind: type[Exception]) -> str:
    if issubclass(kind, DomainError):
        return "urn:factos:domain-error"
    return f"urn:factos:{re.sub('(?<=[a-z])(?=[A-Z])', '-', kind.__name__).lower()}"
