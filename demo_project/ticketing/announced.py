"""What became of the announcements of one conference: the latest mails, and how the outbox stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from demo_project.ticketing.announcements import REACTOR, buyer_of
from demo_project.ticketing.domain import tickets_sold
from demo_project.ticketing.models import Mail
from factos_django.models import Effect, Tag

__all__ = ["Announced", "Trouble", "announced"]

MAILS_SHOWN = 6
TROUBLES_SHOWN = 3

_STATES = (Effect.State.PENDING, Effect.State.RUNNING, Effect.State.DONE, Effect.State.DEAD)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An announcement whose last attempt failed, and that is not delivered yet."""

    id: int
    buyer: str
    state: str
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Announced:
    """How the announcements of a conference stand.

    Attributes:
        counts: How many there are in each state.
        mails: The latest that were sent.
        troubles: The latest that could not be.
    """

    counts: Mapping[str, int]
    mails: Sequence[Mail]
    troubles: Sequence[Trouble]

    @property
    def is_going_on(self) -> bool:
        """Whether some of them are still to be sent."""
        return bool(self.counts[Effect.State.PENDING] + self.counts[Effect.State.RUNNING])


def announced(conference: str) -> Announced:
    """Return how the announcements of ``conference`` stand."""
    effects = _effects(conference)
    found = dict(effects.values_list("state").annotate(Count("id")))
    failing = effects.exclude(error="").exclude(state__in=[Effect.State.DONE, Effect.State.DROPPED])
    return Announced(
        {state: found.get(state, 0) for state in _STATES},
        list(Mail.objects.filter(conference=conference).order_by("-sent_at")[:MAILS_SHOWN]),
        [_trouble(row) for row in failing.order_by("-position")[:TROUBLES_SHOWN]],
    )


def _effects(conference: str) -> QuerySet[Effect]:
    (item,) = tickets_sold(conference).items
    sales = Tag.objects.filter(value__in=item.tags, type__in=item.types)
    return Effect.objects.filter(reactor=REACTOR, position__in=sales.values("event_id"))


def _trouble(row: Effect) -> Trouble:
    return Trouble(row.pk, buyer_of(row), row.state, row.attempts, row.error)
