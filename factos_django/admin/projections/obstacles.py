"""What is in the way of a step, as far as it is known before it is done."""

from __future__ import annotations

from django.utils.translation import gettext

from factos_django.admin.projections.refusal_text import refusal_text
from factos_django.admin.projections.shown import ShownProjection
from factos_django.admin.projections.steps import Step
from factos_django.core.errors import FactosError, NothingToSkip, RebuildNeeded

__all__ = ["obstacle"]


def obstacle(step: Step, shown: ShownProjection, confirmed: str | None, using: str) -> str:
    """Return why ``step`` cannot be done, or an empty string.

    ``confirmed`` is the position of the fact that somebody said yes to go on without; None before.
    """
    status = shown.status
    error: FactosError | None = None
    if step.name in ("resume", "skip") and status.mode == "inline" and status.condition == "stopped":
        error = RebuildNeeded(name=status.name)
    elif step.name == "skip" and not shown.may_skip:
        error = NothingToSkip(name=status.name)
    if error is not None:
        return refusal_text(error, status.name, using, checks=False)
    if step.name == "skip" and confirmed not in (None, shown.position):
        return gettext("It has stopped at another fact meanwhile, so nothing was done. See where it stands.")
    return ""
