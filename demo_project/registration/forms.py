"""What the pages of registration ask for: a form for each command."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.http import QueryDict

from demo_project.command_form import NAME_MAX_LENGTH, CommandForm
from demo_project.crowd import CrowdForm
from demo_project.registration.domain import (
    ChangeUsername,
    RegisterUsername,
    ReleaseUsername,
    change_context,
    facts_of_name,
    registration_context,
    release_context,
    usernames,
)
from factos_django import InvalidTag
from factos_django.dispatch import Dispatched

__all__ = ["ACTIONS", "ChangeForm", "MemberForm", "RegisterForm", "ReleaseForm", "RushForm", "new_member"]


def new_member() -> str:
    """Return the id of somebody who was not here before."""
    return uuid4().hex[:12]


class UsernameField(forms.CharField):
    """A name as it is typed: which names can be, and which are taken, is the domain's to say."""

    def __init__(self) -> None:
        attrs = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        super().__init__(label="Username", max_length=NAME_MAX_LENGTH, widget=forms.TextInput(attrs=attrs))

    def clean(self, value: Any) -> str:
        """Return the name, if a tag can hold it: what can hold none has no facts that could be asked for."""
        name = str(super().clean(value))
        try:
            facts_of_name(name)
        except InvalidTag as error:
            raise forms.ValidationError(f"No tag can hold this name: {error.reason}.") from error
        return name


class RegisterForm(CommandForm):
    """A new member."""

    decider, query = usernames, registration_context
    username = UsernameField()

    def __init__(self, data: QueryDict | None = None, auto_id: str = "register-%s") -> None:
        super().__init__(data, auto_id=auto_id)
        self.member = new_member()

    def command(self) -> RegisterUsername:
        """Return the command."""
        return RegisterUsername(self.member, self.cleaned_data["username"])

    def told(self, done: Dispatched[Any]) -> str:
        """Return what was done."""
        return f"{self.cleaned_data['username']} is registered, as fact #{done.position}."


class MemberForm(CommandForm):
    """A command of the member whose page it is on."""

    decider = usernames
    action: str

    def __init__(self, member: str, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id=f"{self.action}-%s")
        self.member = member


class ChangeForm(MemberForm):
    """Another name."""

    action, query = "change", change_context
    username = UsernameField()

    def command(self) -> ChangeUsername:
        """Return the command."""
        return ChangeUsername(self.member, self.cleaned_data["username"])

    def told(self, done: Dispatched[Any]) -> str:
        """Return what was done."""
        name = self.cleaned_data["username"]
        return f"The name is {name} now, as fact #{done.position}." if done.events else f"The name is {name}."


class ReleaseForm(MemberForm):
    """The end of a membership."""

    action, query = "release", release_context

    def command(self) -> ReleaseUsername:
        """Return the command."""
        return ReleaseUsername(self.member)

    def told(self, done: Dispatched[Any]) -> str:
        """Return what was done."""
        return f"The name is free, as fact #{done.position}."


class RushForm(CrowdForm):
    """A name that many want at once."""

    username = UsernameField()
    field_order = ("username", "crowd")


#: The forms of a member's page, by what their buttons ask for.
ACTIONS: dict[str, type[MemberForm]] = {form.action: form for form in (ChangeForm, ReleaseForm)}
