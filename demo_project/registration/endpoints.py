"""The commands of registration over HTTP, and their addresses. In the demo anybody may send them."""

from __future__ import annotations

from django.urls import path
from rest_framework.permissions import AllowAny

from demo_project.registration.domain import (
    ChangeUsername,
    RegisterUsername,
    ReleaseUsername,
    change_context,
    registration_context,
    release_context,
    usernames,
)
from factos_django.rest_framework import CommandAPIView

__all__ = ["ChangeUsernameView", "RegisterUsernameView", "ReleaseUsernameView"]


class RegistrationView(CommandAPIView):
    """A command of registration."""

    decider = usernames
    permission_classes = [AllowAny]


class RegisterUsernameView(RegistrationView):
    """Gives a new member a name, unless somebody has it, in whatever spelling."""

    command = RegisterUsername
    query = registration_context


class ChangeUsernameView(RegistrationView):
    """Gives a member another name, and leaves the old one to whoever wants it."""

    command = ChangeUsername
    query = change_context


class ReleaseUsernameView(RegistrationView):
    """Lets a member go, and leaves the name to whoever wants it."""

    command = ReleaseUsername
    query = release_context


app_name = "registration"

urlpatterns = [
    path("register-username/", RegisterUsernameView.as_view(), name="register-username"),
    path("change-username/", ChangeUsernameView.as_view(), name="change-username"),
    path("release-username/", ReleaseUsernameView.as_view(), name="release-username"),
]
