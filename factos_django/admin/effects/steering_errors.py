"""What is told to a person whose action on an effect was refused: what happened, and what to do next."""

from __future__ import annotations

from django.utils.translation import gettext as _

from factos_django.core.errors import (
    EffectFinished,
    EffectRunning,
    FactosError,
    OutcomeUnknown,
    ReasonMissing,
    RetryTransaction,
    StoreBusy,
    UnknownEffect,
)
from factos_django.models import Effect

__all__ = ["no_effect", "refusal"]


def no_effect(id: object) -> str:
    """Return the words for an effect that is not there."""
    return _("There is no effect %(id)s. It may have been removed, as those are that are long finished.") % {
        "id": id
    }


def refusal(id: int, error: FactosError) -> str:
    """Return the words for ``error``, which kept somebody from steering the effect ``id``."""
    match error:
        case UnknownEffect():
            return no_effect(id)
        case EffectRunning(worker=worker, until=until):
            return _(
                "Effect %(id)s is being delivered by %(worker)s, until %(until)s or longer, so nothing was "
                "changed. Look again when that is over."
            ) % {"id": id, "worker": worker, "until": until}
        case EffectFinished(state=state):
            return _("Effect %(id)s is %(state)s, so there is nothing to do about it.") % {
                "id": id,
                "state": Effect.State(state).label,
            }
        case ReasonMissing():
            return _("Effect %(id)s is dropped for a reason only: say why, in words.") % {"id": id}
        case StoreBusy() | RetryTransaction():
            return _(
                "The database is busy, so nothing was changed about effect %(id)s. Try again in a moment."
            ) % {"id": id}
        case OutcomeUnknown():
            return _(
                "The connection to the database broke, and nobody knows whether effect %(id)s was changed. "
                "Look at it before you try again."
            ) % {"id": id}
        case _:
            return _("Nothing was changed about effect %(id)s: %(error)s") % {"id": id, "error": error}
