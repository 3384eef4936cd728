"""HTTP clients of the API for tests, and the log on whichever database is tested."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

__all__ = ["ApiClient", "LogOn", "a_client", "a_user"]


class LogOn:
    """A database router: the log is in this database, users and sessions are in ``default``."""

    APPS = frozenset(
        {
            *("banking", "billing", "registration", "ticketing"),
            *("boxoffice", "factos", "ledger", "oddities", "parcels"),
        }
    )

    def __init__(self, using: str) -> None:
        self.using = using

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return self.using if model._meta.app_label in self.APPS else "default"

    db_for_write = db_for_read


class ApiClient(Client):
    """Django's test client, which speaks JSON and lets errors be answered."""

    def __init__(self, **defaults: Any) -> None:
        super().__init__(raise_request_exception=False, **defaults)

    def send(self, path: str, body: Any, **headers: str) -> Any:
        """POST ``body``, text as it is or JSON of it, to a path below /api/."""
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.post(f"/api/{path}", text, content_type="application/json", headers=headers)

    def fetch(self, path: str, **parameters: Any) -> Any:
        """GET a path below /api/."""
        return self.get(f"/api/{path}", parameters)


def a_user(name: str, *permissions: str) -> User:
    """Return a user with these permissions of the app (``view_event``), or those of others (``app.name``)."""
    user = User.objects.create_user(name)
    for permission in permissions:
        label, _, codename = permission.rpartition(".")
        user.user_permissions.add(
            Permission.objects.get(codename=codename, content_type__app_label=label or "factos")
        )
    return user


def a_client(user: User | None = None) -> ApiClient:
    """Return a client, with the session of ``user`` if one is given."""
    client = ApiClient()
    if user is not None:
        client.force_login(user)
    return client
