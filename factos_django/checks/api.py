"""The REST API, where its addresses are included: what it needs, and whether it is open to anyone."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.http import HttpRequest
from django.urls import URLResolver, get_resolver
from django.utils.module_loading import import_string

from factos_django.conf import conf, refusal
from factos_django.registry import PROJECTIONS

__all__ = ["judged_api"]

_ADDRESSES = "factos_django.rest_framework.urls"
_NEEDED = ("rest_framework", "django_filters", "drf_spectacular", "drf_spectacular_sidecar")
_PERMISSIONS = "factos_django.rest_framework.permissions.ApiPermissions"


def judged_api() -> Iterator[CheckMessage]:
    """Judge the API, if its addresses are included somewhere."""
    if getattr(settings, "ROOT_URLCONF", None) and _is_included(get_resolver().url_patterns):
        yield from _apps()
        yield from _permissions()


def _is_included(patterns: Iterable[Any]) -> bool:
    return any(
        getattr(each.urlconf_module, "__name__", "") == _ADDRESSES or _is_included(each.url_patterns)
        for each in patterns
        if isinstance(each, URLResolver)
    )


def _apps() -> Iterator[CheckMessage]:
    if missing := [name for name in _NEEDED if not apps.is_installed(name)]:
        lines = "".join(f'\n    "{name}",' for name in missing)
        yield Error(
            f"The URLs of the REST API are included, and {', '.join(missing)} is not installed.",
            hint=f"Put into INSTALLED_APPS:{lines}",
            id="factos.E008",
        )


def _permissions() -> Iterator[CheckMessage]:
    given = getattr(settings, "FACTOS_API_PERMISSIONS", _PERMISSIONS)
    if refusal("API_PERMISSIONS", given):
        return  # factos.E001 says so
    try:
        chosen = import_string(conf.API_PERMISSIONS)
    except ImportError as error:
        yield _unusable(f"cannot be imported: {error}")
        return
    if inspect.isclass(chosen) and issubclass(chosen, import_string(_PERMISSIONS)):
        yield from _open_to_anyone(chosen)
    else:
        yield _unusable("is no subclass of ApiPermissions")


def _unusable(reason: str) -> CheckMessage:
    hint = f"Name a subclass of {_PERMISSIONS} by its path, or leave the setting out."
    return Error(f"FACTOS_API_PERMISSIONS = {conf.API_PERMISSIONS!r} {reason}.", hint=hint, id="factos.E009")


def _open_to_anyone(chosen: type[Any]) -> Iterator[CheckMessage]:
    """Ask each question that stands alone: ``may_read`` and ``may_append_type`` narrow what others allow."""
    http = HttpRequest()
    http.method = "GET"
    request = import_string("rest_framework.request.Request")(http)
    request.user = import_string("django.contrib.auth.models.AnonymousUser")()
    questions = [name for name in dir(chosen) if name.startswith("may_")]
    if allowed := [name for name in questions if _is_allowed(chosen(request), name)]:
        yield Warning(
            f"The REST API lets anybody in who is not logged in: {', '.join(allowed)} of "
            f"{conf.API_PERMISSIONS} {'says' if len(allowed) == 1 else 'say'} yes.",
            hint="Ask for a permission there, or silence this warning if it is meant.",
            id="factos.W017",
        )


def _is_allowed(permissions: Any, name: str) -> bool:
    """Tell whether a question is answered with yes, for any projection where it is about its rows."""
    question = getattr(permissions, name)
    if name == "may_view_rows":
        return any(_answer(question, model) for each in PROJECTIONS for model in each.feed.models)
    return not inspect.signature(question).parameters and _answer(question)


def _answer(question: Any, *about: Any) -> bool:
    try:
        return bool(question(*about))
    except Exception:  # it refuses by PermissionDenied, or expects what only a real request has
        return False
