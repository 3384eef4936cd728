"""From a request to a decision, and to its answer, under any view of REST framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from factos_django.core.condition import AppendConditionFailed
from factos_django.core.decider import Decider
from factos_django.core.domain_error import DomainError
from factos_django.core.errors import FactosError
from factos_django.core.metadata import ACTOR, Metadata
from factos_django.core.query import Query
from factos_django.dispatch import Dispatched, dispatch
from factos_django.rest_framework.actor import actor_of
from factos_django.rest_framework.commands.if_match import etag_after, if_match
from factos_django.rest_framework.commands.named import named
from factos_django.rest_framework.commands.sent import sent
from factos_django.rest_framework.problems import Problem, answer_to, problem_of
from factos_django.rest_framework.refusals import Refused
from factos_django.rest_framework.surface import IDEMPOTENCY_HEADER
from factos_django.stamps import current_stamps

__all__ = ["CommandMixin"]

_MOVED = "The facts that this depends on have moved meanwhile. Nothing was recorded: ask again."


class CommandMixin(APIView):
    """Lets a view take commands: ``handle_command(request)`` is the whole of a method or an action.

    What is sent, who decides, and on what it depends is said by class attributes, by ``as_view(...)``, or by
    ``@action(...)`` for one action of a ViewSet; or by the methods of the same names with ``get_``.

    It answers by problem+json what comes of the command (a refusal by its DomainError, a body that does not
    fit, a store that is busy). Everything else is the view's: parsers, renderers, logins, permissions.

    Attributes:
        command: What is sent: a dataclass, which is read strictly (unknown members are refused, and numbers
            for strings), or a serializer class of REST framework. None takes any JSON.
        decider: Who decides.
        query: The facts that can change the answer, or a function of the command that names them. It is
            read from the class, so a plain function is not bound to the view.
        using: The alias of the database of the log.
    """

    command: ClassVar[Any] = None
    decider: ClassVar[Decider[Any, Any, Any] | None] = None
    query: ClassVar[Query | Callable[[Any], Query] | None] = None
    using: ClassVar[str | None] = None

    def handle_command(self, request: Request) -> Response:
        """Return the answer to the command that was sent: 201 with its facts, 200 where it had none to add.

        Raises:
            DomainError, FactosError, Refused: As the decision, the store or the body has it. Let them out,
                so that a transaction around is rolled back: ``handle_exception`` answers them.
        """
        command = self.get_command(sent(request, named(self, "command"), self))
        done = self.perform_command(command)
        query = self.get_query(command) if done.context is None else done.context.query
        events = [{"id": str(each.id), "type": each.type, "position": each.position} for each in done.events]
        headers = {"Factos-Position": str(done.position)}
        if (etag := etag_after(done, query)) is not None:
            headers["ETag"] = etag
        status = 201 if done.events else 200
        return Response({"events": events, "position": done.position}, status, headers=headers)

    def perform_command(self, command: Any) -> Dispatched[Any]:
        """Dispatch ``command``, and return what came of it.

        Override it to write rows of your own in the same transaction: around ``super().perform_command()``
        in ``transaction.atomic()``, or under ``@retrying``.
        """
        wanted = self.request.headers.get("If-Match")
        return dispatch(
            command,
            decider=self.get_decider(),
            query=self.get_query(command),
            metadata={**self._actor(), **self.get_metadata(command)},
            idempotency_key=self.get_idempotency_key(self.request),
            check=None if wanted is None else if_match(wanted),
            using=named(self, "using"),
        )

    def get_command(self, data: Any) -> Any:
        """Return the command, by default ``data`` itself.

        Override it for what the client does not say (``self.request.user``, ``self.kwargs``), or to make
        the command of the validated data of a serializer.

        Args:
            data: What was sent, checked: an instance of the dataclass, or the serializer's validated data.
        """
        return data

    def get_decider(self) -> Decider[Any, Any, Any]:
        """Return who decides."""
        decider = named(self, "decider")
        if not isinstance(decider, Decider):
            raise self._lacking("decider = ...", "get_decider()")
        return decider

    def get_query(self, command: Any) -> Query:
        """Return the facts that can change the answer to ``command``."""
        query = named(self, "query")
        found = query(command) if callable(query) else query
        if not isinstance(found, Query):
            raise self._lacking("query = ..., a Query or a function that returns one", "get_query(command)")
        return found

    def get_idempotency_key(self, request: Request) -> str | None:
        """Return the key under which the command counts once: by default the header ``Idempotency-Key``.

        Keys are those of the whole log: put the user's into it, if clients may choose the same.
        """
        return request.headers.get(IDEMPOTENCY_HEADER)

    def get_metadata(self, command: Any) -> Metadata:
        """Return what is known about the making of the facts; it goes over the stamps in force.

        The actor need not be in it: without one, here or in the stamps, it is the user's primary key.
        """
        return {}

    def problem(self, error: Exception) -> Problem:
        """Return what is said of ``error``. Who may command need not be allowed to read the log."""
        problem = problem_of(error)
        if isinstance(error, AppendConditionFailed):
            return replace(problem, detail=_MOVED, extensions={})
        return problem

    def handle_exception(self, exc: Exception) -> Response:
        """Return the answer to ``exc``: problem+json for what comes of a command, else as the view has it."""
        if not isinstance(exc, (DomainError, FactosError, Refused)):
            return super().handle_exception(exc)
        answer = answer_to(exc, {"view": self, "request": self.request})
        answer.exception = True
        if not self.request.accepted_renderer.media_type.endswith("json"):
            answer.content_type = None  # a page for people that shows the problem
        return answer

    def _actor(self) -> Mapping[str, str]:
        actor = actor_of(self.request)
        is_known = getattr(self.request.user, "is_authenticated", False)
        return {} if actor is None or ACTOR in current_stamps() or not is_known else {ACTOR: actor}

    def _lacking(self, attribute: str, method: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"{type(self).__qualname__} needs {attribute}, or a method {method}.")
