"""Who may do what over HTTP. The answers are the project's: FACTOS_API_PERMISSIONS names its class.

By default they are those of Django's model permissions, so nothing is open to anybody who has none.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.utils.module_loading import import_string
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from factos_django.conf import conf
from factos_django.core.query import Query

__all__ = ["AllowedBySurface", "ApiPermissions", "permissions_of"]


class ApiPermissions:
    """What the user of one request may do. Subclass it, and name the subclass in FACTOS_API_PERMISSIONS.

    Each method answers one question, and may look at ``self.request``; a method that raises
    ``rest_framework.exceptions.PermissionDenied`` itself says why.
    """

    def __init__(self, request: Request) -> None:
        self.request = request

    def has_perm(self, permission: str) -> bool:
        """Tell whether the user has a permission of Django's (``factos.view_event``)."""
        ask = getattr(self.request.user, "has_perm", None)  # None where UNAUTHENTICATED_USER is
        return ask is not None and bool(ask(permission))

    def may_view_events(self) -> bool:
        """Events without their data, by lists, queries and the feed; conditions answer questions, too."""
        return self.has_perm("factos.view_event")

    def may_view_event_data(self) -> bool:
        """The data of the events that may be viewed. Without it, events are sent without ``data``."""
        return self.has_perm("factos.view_event_data")

    def may_read(self, query: Query) -> bool:
        """Each query, that of a condition included; an event by its position as the narrowest one for it.

        Override it to keep tenants apart: let pass only queries each item of which names the tenant's tag.
        """
        return True

    def may_view_tags(self) -> bool:
        """The tags that begin with some text, of all events."""
        return self.has_perm("factos.view_tag")

    def may_append(self) -> bool:
        """Facts, made by the client. (Commands of the project have permissions of their own.)"""
        return self.has_perm("factos.append_event")

    def may_append_type(self, name: str, tags: tuple[str, ...]) -> bool:
        """Each fact that is to be appended, by the name of its type and all of its tags."""
        return True

    def may_view_projections(self) -> bool:
        """Where projections stand."""
        return self.has_perm("factos.view_projectionstate")

    def may_view_rows(self, model: type[Model]) -> bool:
        """The rows of a projection, by its model."""
        return self.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")

    def may_rebuild(self) -> bool:
        """A rebuild of a projection."""
        return self.has_perm("factos.rebuild_projection")

    def may_view_effects(self) -> bool:
        """What reactors asked for, and what became of it."""
        return self.has_perm("factos.view_effect")

    def may_retry_effects(self) -> bool:
        """Another attempt."""
        return self.has_perm("factos.retry_effect")

    def may_drop_effects(self) -> bool:
        """To give an effect up."""
        return self.has_perm("factos.drop_effect")

    def may_view_schema(self) -> bool:
        """The description of this API."""
        return bool(getattr(self.request.user, "is_authenticated", False))


def permissions_of(request: Request) -> ApiPermissions:
    """Return what the user of ``request`` may do, as the project says it."""
    chosen: type[ApiPermissions] = import_string(conf.API_PERMISSIONS)
    return chosen(request)


class AllowedBySurface(BasePermission):
    """Asks the questions that the surface names for the method of the request, which it refuses without."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether all of ``view.allowed_by[method]`` is answered with yes."""
        method = "GET" if request.method == "HEAD" else request.method
        if method not in view.allowed_by:
            raise MethodNotAllowed(str(request.method))
        permissions = permissions_of(request)
        return all(getattr(permissions, question)() for question in view.allowed_by[method])
