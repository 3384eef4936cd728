"""Why something was not done to a projection, in words that say the next step."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS
from django.utils.translation import gettext

from factos_django.core.errors import (
    BrokerUnavailable,
    FactosError,
    NoBroker,
    NothingToSkip,
    RebuildNeeded,
    RebuildRunning,
)

__all__ = ["command", "refusal_text"]


def command(name: str, using: str, *, checks: bool) -> str:
    """Return the line that does here what a worker was asked for."""
    words = ["manage.py rebuild_projections", name, "--check" if checks else ""]
    words.append("" if using == DEFAULT_DB_ALIAS else f"--database {using}")
    return " ".join(filter(None, words))


def refusal_text(error: FactosError, name: str, using: str, *, checks: bool) -> str:
    """Return what to say of ``error``. Where the broker is, and what it says, is for the log alone."""
    line = {"name": name, "command": command(name, using, checks=checks)}
    match error:
        case NoBroker():
            said = gettext(
                "No Celery broker is configured in this process, so no worker can be asked. Run: %(command)s"
            )
        case BrokerUnavailable():
            said = gettext(
                "The broker takes no messages now, so nothing was begun. Ask again later, or run: %(command)s"
            )
        case RebuildRunning():
            line |= {"worker": error.worker, "until": error.until}
            said = gettext(
                "%(name)s is being rebuilt or checked already, by %(worker)s: wait until that is over. If "
                "that process is dead, its claim ends at %(until)s."
            )
        case RebuildNeeded():
            said = gettext(
                "%(name)s is inline, and has missed what was recorded since it stopped: it cannot go on from "
                "there. Mend its code, then rebuild it."
            )
        case NothingToSkip():
            said = gettext("%(name)s has not stopped at a fact: there is nothing to go on without.")
        case _:
            return str(error)
    return said % line
