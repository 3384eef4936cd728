"""Forms that are a command each: what was typed is decided, and the page tells what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from demo_project.behind import Behind, behind
from factos_django import (
    AppendConditionFailed,
    Decider,
    DomainError,
    InvalidInput,
    InvalidTag,
    Query,
    QueryItem,
    RetryTransaction,
    StoreBusy,
)
from factos_django.dispatch import Dispatched, dispatch

__all__ = ["NAME_MAX_LENGTH", "CommandForm", "FindForm", "NameField"]

#: Room for the rest of a tag.
NAME_MAX_LENGTH = 200

_BUSY = (StoreBusy, RetryTransaction, AppendConditionFailed)


class NameField(forms.CharField):
    """A name that a tag can hold, and an address: there a slash, or dots alone, would mean something else."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": NAME_MAX_LENGTH, **options})

    def clean(self, value: Any) -> str:
        """Return the name."""
        name = str(super().clean(value))
        if "/" in name or (name and not name.strip(".")):
            raise forms.ValidationError("A name has no slash, and is not made of dots alone.")
        try:
            QueryItem(tags=[f"name:{name}"])
        except InvalidTag as error:
            raise forms.ValidationError(f"No tag can hold this name: {error.reason}.") from error
        return name


class FindForm(forms.Form):
    """The beginning of a name."""

    find = forms.CharField(label="Begins with", required=False, max_length=NAME_MAX_LENGTH)

    def found(self) -> str:
        """Return it; empty where it is missing, or is no text that can be looked for."""
        return str(self.cleaned_data["find"]) if self.is_valid() else ""


class CommandForm(forms.Form):
    """A form that is a command. Statuses are those of the endpoint of the same command.

    Attributes:
        decider: Who decides.
        query: The facts that can change the answer, as a function of the command.
        status: Of the page that shows the form again.
    """

    decider: ClassVar[Decider[Any, Any, Any]]
    query: ClassVar[Callable[[Any], Query]]
    status = 200

    def command(self) -> Any:
        """Return the command; the form is valid."""
        raise NotImplementedError

    def told(self, done: Dispatched[Any]) -> str:
        """Return what was done, in a sentence."""
        raise NotImplementedError

    def refused(self, refusal: DomainError) -> str:
        """Return why it was not done, in a sentence."""
        return str(refusal)

    def check(self) -> None:
        """Look at what was typed, and dispatch nothing: ``behind`` tells what would come of it."""
        if not self.is_valid():
            self.status = 400

    def sent(self, request: HttpRequest) -> Dispatched[Any] | None:
        """Dispatch the command, and tell the visitor what came of it; None: the form is to be shown again."""
        if not self.is_valid():
            self._show_again(request, 400, "Nothing was recorded: see below.")
            return None
        try:
            done = dispatch(self.command(), decider=self.decider, query=type(self).query)
        except (DomainError, InvalidInput, *_BUSY) as error:
            self._show_again(request, *self._why(error))
            return None
        messages.success(request, self.told(done))
        return done

    def behind(self) -> Behind[Any, Any] | None:
        """Return what lies behind what was typed; None where nothing was, or no tag can hold it."""
        if not (self.is_bound and self.is_valid()):
            return None
        try:
            return behind(self.command(), decider=self.decider, query=type(self).query)
        except InvalidInput:
            return None

    def _show_again(self, request: HttpRequest, status: int, why: str) -> None:
        self.status = status
        messages.warning(request, why)

    def _why(self, error: Exception) -> tuple[int, str]:
        match error:
            case DomainError():
                return 422, f"Refused ({error.code}): {self.refused(error)}"
            case InvalidInput():
                return 400, f"It cannot be recorded: {error}"
        return 503, "Others were in the way, and nothing was recorded. Try it again."
