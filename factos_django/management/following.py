"""The work of asynchronous projections, as commands do it."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.management.base import CommandError

from factos_django.core.errors import FactosError, UnknownProjection
from factos_django.management.exit_codes import BEHIND, REFUSED, USAGE
from factos_django.management.worker_command import Say, Shortfall, Working
from factos_django.projections import CaughtUp, Standing, catch_up
from factos_django.projections.follower import Follower
from factos_django.projections.following import Turn
from factos_django.projections.selection import selected

__all__ = ["Following"]

#: What is not done at the end of ``--once``, and the exit code that says so.
_CODES = {
    Standing.STOPPED: BEHIND,
    Standing.PUT_OFF: BEHIND,
    Standing.NEEDS_REBUILD: BEHIND,
    Standing.OUTDATED: REFUSED,
}


class Following(Working):
    """Lets the projections of these ``names``, or all that are asynchronous, follow the log."""

    def __init__(self, using: str, names: Sequence[str] = ()) -> None:
        super().__init__(using)
        self.names = tuple(names)

    @property
    def purpose(self) -> str:
        """Which projections follow which log."""
        projections = selected(self.names, self.using)
        named = ", ".join(each.name for each in projections) or "no projection (none is asynchronous)"
        return f"follows the log of {self.using}: {named}"

    def refuse(self) -> None:
        """Refuse names that are unknown, and of projections that nobody follows."""
        try:
            inline = [each.name for each in selected(self.names, self.using) if each.inline]
        except FactosError as error:
            usage = isinstance(error, UnknownProjection)
            raise CommandError(str(error), returncode=USAGE if usage else REFUSED) from error
        if inline:
            said = f"{', '.join(inline)}: inline, so its rows are written with the facts; it needs no worker."
            raise CommandError(said, returncode=REFUSED)

    def job(self, say: Say) -> Follower:
        """Return the job of following."""

        def report(name: str, turn: Turn) -> None:
            say(f"{name}: {turn.outcome.value}, {turn.events} facts")

        return Follower(selected(self.names, self.using), self.using, report)

    def once(self, say: Say) -> Shortfall | None:
        """Catch up."""
        done = catch_up(*self.names, using=self.using)
        for each in done:
            say(f"{each.name}: {each.standing.value}, {each.events} facts, at {each.position}")
        return _shortfall(done)


def _shortfall(done: Sequence[CaughtUp]) -> Shortfall | None:
    wrong = [each for each in done if each.standing in _CODES]
    if not wrong:
        return None
    said = ", ".join(f"{each.name} is {each.standing.value}" for each in wrong)
    code = max(_CODES[each.standing] for each in wrong)
    return Shortfall(f"{said}. See: manage.py factos_projections list", code)
