"""What is recorded of a run that ended."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from factos_django.models import ProjectionRun
from factos_django.projections.rebuilding.computed import Computed
from factos_django.workers.error_text import error_in_words

__all__ = ["broken_off", "done"]

Outcome = ProjectionRun.Outcome


def done(computed: Computed) -> dict[str, Any]:
    """Return it of a run that came to its end."""
    reached = {"position": computed.position, "head": computed.position, "events": computed.events}
    return {"outcome": _outcome(computed), **reached, **asdict(computed.counts)}


def broken_off(error: BaseException) -> dict[str, Any]:
    """Return it of one that ``error`` ended; a signal to the process is no failure of the run."""
    outcome = Outcome.FAILED if isinstance(error, Exception) else Outcome.INTERRUPTED
    return {"outcome": outcome, "error": error_in_words(error)}


def _outcome(computed: Computed) -> Outcome:
    if not computed.checked:
        return Outcome.REBUILT
    return Outcome.SAME if computed.is_right else Outcome.DIFFERENT
