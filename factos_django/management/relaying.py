"""The work of relaying effects, as commands do it."""

from __future__ import annotations

from django.core.management.base import CommandError

from factos_django.core.errors import BrokerUnavailable, NoBroker
from factos_django.effects.relayer import Relayer
from factos_django.effects.relaying import Relayed, relay_due
from factos_django.management.exit_codes import BEHIND, REFUSED
from factos_django.management.worker_command import Say, Shortfall, Working
from factos_django.tasks.publishing import published, publishing_app

__all__ = ["Relaying"]


class Relaying(Working):
    """Publishes the effects that are due."""

    @property
    def purpose(self) -> str:
        """Whose effects are relayed."""
        return f"relays the effects of {self.using}"

    def refuse(self) -> None:
        """Refuse to relay without a broker."""
        try:
            publishing_app()
        except NoBroker as error:
            raise CommandError(str(error), returncode=REFUSED) from error

    def job(self, say: Say) -> Relayer:
        """Return the job of relaying."""

        def report(relayed: Relayed) -> None:
            if relayed.published:
                say(_told(relayed.published))

        return Relayer(published, self.using, report)

    def once(self, say: Say) -> Shortfall | None:
        """Publish all that is due."""
        try:
            number = relay_due(published, self.using)
        except BrokerUnavailable as error:
            return Shortfall(str(error), BEHIND)
        say(_told(number))
        return None


def _told(number: int) -> str:
    return f"effects: {number} published"
