"""Clients of the admin for tests."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from tests.rest.clients import a_user

__all__ = ["staff_client", "superuser_client"]


def staff_client(name: str, *permissions: str) -> Client:
    """Return a client with the session of a member of staff who has these permissions of the app."""
    user = a_user(name, *permissions)
    user.is_staff = True
    user.save()
    return _client(user)


def superuser_client(name: str = "root") -> Client:
    """Return a client with the session of a superuser."""
    return _client(User.objects.create_superuser(name))


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
