"""What can be done about one effect: the words of the pages that ask for it, and the doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from factos_django.effects.steering import drop, retry

__all__ = ["DROP", "RETRY", "RETRY_BEHIND", "STEPS", "Reason", "Step"]

#: Of a reason (characters).
_LONGEST = 1_000


class Reason(forms.Form):
    """Why it is done."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("In words; it is kept with the effect."),
        max_length=_LONGEST,
        widget=forms.Textarea({"rows": 3, "cols": 60}),
    )


class OptionalReason(Reason):
    """Why it is done, if there is something to say."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something to be done about an effect.

    Attributes:
        name: What its address says.
        permission: Who has it may do it: ``retry_effect`` for ``retry``.
        title: Of the page that asks.
        question: What it asks.
        submit: The words of its button.
        form: What it asks for.
        act: Does it, and returns how many effects it changed; raises FactosError.
        done: Says what was done, by that number.
        logged: The same, for the history of the effect.
        is_grave: Whether it is a loss.
    """

    name: str
    permission: str
    title: str | Promise
    question: str | Promise
    submit: str | Promise
    form: type[forms.Form]
    act: Callable[..., int]
    done: Callable[[int], str]
    logged: str | Promise
    is_grave: bool = False


def _retry_behind(id: int, **by: Any) -> int:
    return retry(id, behind=True, **by)


def _drop(id: int, **by: Any) -> int:
    drop(id, **by)
    return 1


def _retried(number: int) -> str:
    if not number:
        return _("It was due already: it is published again, and nothing was changed.")
    return ngettext("%(count)d effect is due now.", "%(count)d effects are due now.", number) % {
        "count": number
    }


def _dropped(number: int) -> str:
    return ngettext("%(count)d effect was dropped.", "%(count)d effects were dropped.", number) % {
        "count": number
    }


RETRY = Step(
    name="retry",
    permission="retry",
    title=gettext_lazy("Try it again?"),
    question=gettext_lazy(
        "It is due at once, for one attempt more under the same key. If that fails, it is dead again."
    ),
    submit=gettext_lazy("Yes, try it again"),
    form=OptionalReason,
    act=retry,
    done=_retried,
    logged=gettext_lazy("Tried again."),
)

RETRY_BEHIND = Step(
    name="retry-behind",
    permission="retry",
    title=gettext_lazy("Try it again, and the dead ones behind it?"),
    question=gettext_lazy(
        "It is due at once, for one attempt more under the same key, and with it all dead ones that come "
        "after it in its ordering key. They are delivered in their order."
    ),
    submit=gettext_lazy("Yes, try them again"),
    form=OptionalReason,
    act=_retry_behind,
    done=_retried,
    logged=gettext_lazy("Tried again with the dead ones behind it."),
)

DROP = Step(
    name="drop",
    permission="drop",
    title=gettext_lazy("Give it up?"),
    question=gettext_lazy("It will not be delivered. What waits for it in its ordering key goes on."),
    submit=gettext_lazy("Yes, drop it"),
    form=Reason,
    act=_drop,
    done=_dropped,
    logged=gettext_lazy("Dropped."),
    is_grave=True,
)

STEPS = (RETRY, RETRY_BEHIND, DROP)
