"""What can be done to a projection from its page, each once it was confirmed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from factos_django.projections.resuming import resume, skip
from factos_django.tasks import ask_to_check, ask_to_rebuild

__all__ = ["STEPS", "Done", "Step"]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a step, in words; ``is_change``: whether anything was done at all."""

    text: str
    is_change: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done to a projection.

    Attributes:
        name: In addresses.
        label: What links to it.
        question: What is asked before; it may name the projection (``name``) and the fact (``position``).
        details: What to know before.
        submit: The button's words.
        act: Does it, to the projection of this name in the database of this alias.
        is_grave: Whether something is lost by it.
    """

    name: str
    label: Any
    question: Any
    details: tuple[Any, ...]
    submit: Any
    act: Callable[[str, str], Done]
    is_grave: bool = False


def _rebuild(name: str, using: str) -> Done:
    ask_to_rebuild(name, using=using)
    return Done(gettext("A rebuild was asked for."))


def _check(name: str, using: str) -> Done:
    ask_to_check(name, using=using)
    return Done(gettext("A check was asked for."))


def _resume(name: str, using: str) -> Done:
    if resume(name, using=using):
        return Done(gettext("It goes on from where it is."))
    return Done(gettext("It had not stopped, so nothing was changed."), is_change=False)


def _skip(name: str, using: str) -> Done:
    failure = skip(name, using=using)
    return Done(gettext("It goes on without #%(position)d.") % {"position": failure.position})


_BY_A_WORKER = _("A Celery worker does it. This page tells how far it is, and what came of it.")

_ALL = (
    Step(
        "rebuild",
        _("Rebuild"),
        _("Compute the rows of %(name)s again from the facts, and put in place what differs?"),
        (_("Appends go on meanwhile, and readers see the old rows or the new ones."), _BY_A_WORKER),
        _("Yes, rebuild it"),
        _rebuild,
    ),
    Step(
        "check",
        _("Check"),
        _("Compute the rows of %(name)s again from the facts, and compare them with those that are there?"),
        (_("No row is written."), _BY_A_WORKER),
        _("Yes, check it"),
        _check,
    ),
    Step(
        "resume",
        _("Resume"),
        _("Let %(name)s try again at once, at the fact that it could not fold?"),
        (_("If its code was not mended, it stops there again."),),
        _("Yes, resume it"),
        _resume,
    ),
    Step(
        "skip",
        _("Skip the fact"),
        _("Let %(name)s go on without #%(position)s, which it could not fold?"),
        (
            _("Its rows will lack what that fact says. The fact itself stays in the log, and is parked."),
            _("If its code is mended later, a rebuild folds that fact as well."),
        ),
        _("Yes, go on without it"),
        _skip,
        is_grave=True,
    ),
)

#: By name.
STEPS = {step.name: step for step in _ALL}
