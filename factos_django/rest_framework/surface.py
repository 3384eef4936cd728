"""What all surfaces of the API have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import connections, transaction
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, ScopedRateThrottle
from rest_framework.views import APIView

from factos_django.core.errors import OutcomeUnknown
from factos_django.core.query import Query
from factos_django.rest_framework.negotiation import OneRepresentation
from factos_django.rest_framework.openapi import SurfaceSchema
from factos_django.rest_framework.permissions import AllowedBySurface, ApiPermissions, permissions_of
from factos_django.rest_framework.problems import Problem, answer_to, of_unknown_outcome, problem_of
from factos_django.rest_framework.raw_json import RawJSONRenderer
from factos_django.rest_framework.strict_json import LengthRequired, StrictJSONParser
from factos_django.store.database import database_for_writing

__all__ = ["IDEMPOTENCY_HEADER", "ProblemAnswers", "Surface"]

#: Under which a client asks once more for what may have happened already.
IDEMPOTENCY_HEADER = "Idempotency-Key"


class ProblemAnswers(APIView):
    """A view that speaks JSON only, and answers every error with problem+json (RFC 9457).

    Authentication, permissions and throttling are the project's, read when they are used, unless a subclass
    names others.
    """

    parser_classes = [StrictJSONParser]
    renderer_classes = [RawJSONRenderer]
    content_negotiation_class: type[BaseContentNegotiation] = OneRepresentation
    metadata_class = None
    versioning_class = None
    schema = SurfaceSchema()
    #: For the project's ScopedRateThrottle, if it has one and a rate for this scope.
    throttle_scope: str | None = None

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return the project's, as REST_FRAMEWORK says now."""
        if self.authentication_classes is not APIView.authentication_classes:
            return super().get_authenticators()
        chosen: Sequence[type[BaseAuthentication]] = api_settings.DEFAULT_AUTHENTICATION_CLASSES  # type: ignore[assignment]
        return [each() for each in chosen]

    def get_permissions(self) -> Any:
        """Return the project's, as REST_FRAMEWORK says now."""
        if self.permission_classes is not APIView.permission_classes:
            return super().get_permissions()
        chosen: Any = api_settings.DEFAULT_PERMISSION_CLASSES
        return [each() for each in chosen]

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the project's, but for one by scopes that has no rate for ours."""
        if self.throttle_classes is not APIView.throttle_classes:
            return super().get_throttles()
        chosen: Sequence[type[BaseThrottle]] = api_settings.DEFAULT_THROTTLE_CLASSES  # type: ignore[assignment]
        return [each() for each in chosen if self._has_rate(each)]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may, and then only what a page of another site cannot make a browser send."""
        super().initial(request, *args, **kwargs)
        takes_json_alone = self.parser_classes is ProblemAnswers.parser_classes
        if takes_json_alone and request.method not in SAFE_METHODS:
            refuse_foreign_body(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let nobody keep what is not said to be kept: answers are for whoever may see them."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], Response]:
        """Return ours: the project's is for the project's views."""
        return answer_to

    def problem(self, error: Exception) -> Problem:
        """Return what is said of ``error``."""
        key = self.request.headers.get(IDEMPOTENCY_HEADER)
        return of_unknown_outcome(key) if isinstance(error, OutcomeUnknown) else problem_of(error)

    def _has_rate(self, throttle: type[BaseThrottle]) -> bool:
        return not issubclass(throttle, ScopedRateThrottle) or self.throttle_scope in throttle.THROTTLE_RATES


def refuse_foreign_body(request: Request) -> None:
    """Refuse what is not said to be JSON, also where no body is sent or needed.

    A form of any site can be sent with the credentials of a browser that has logged in by Basic; JSON cannot.
    """
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
        raise LengthRequired  # Django would take its body for none
    if request.content_type.partition(";")[0].strip().lower() != StrictJSONParser.media_type:
        raise UnsupportedMediaType(request.content_type, detail="Send Content-Type: application/json.")


class Surface(ProblemAnswers):
    """A part of this API: closed, but for what ``allowed_by`` lets FACTOS_API_PERMISSIONS allow.

    It runs outside of ATOMIC_REQUESTS: an append answers when it is committed, and nothing else keeps a
    transaction open.
    """

    permission_classes = [AllowedBySurface]
    #: The questions of ApiPermissions that have to be answered with yes, by the method of the request.
    allowed_by: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, outside of ATOMIC_REQUESTS of every database."""
        view = super().as_view(**initkwargs)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    @property
    def permissions(self) -> ApiPermissions:
        """What the user may do."""
        return permissions_of(self.request)

    @property
    def using(self) -> str:
        """The alias of the database of the log."""
        return database_for_writing(None)

    def is_allowed(self, question: Callable[[ApiPermissions], bool]) -> bool:
        """Tell whether ``question`` is answered with yes, where a no by PermissionDenied refuses no more."""
        try:
            return question(self.permissions)
        except (PermissionDenied, DjangoPermissionDenied):
            return False

    def refuse_unreadable(self, query: Query) -> None:
        """Raise PermissionDenied for a query that the user may not ask."""
        if not self.permissions.may_read(query):
            raise PermissionDenied("You may not ask this query.")
