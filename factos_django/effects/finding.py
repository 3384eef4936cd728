"""Finding effects in the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from factos_django.models import Effect, Event
from factos_django.store.database import database_for_writing
from factos_django.workers.leases import database_now

__all__ = ["EffectFilter", "effects_matching"]


_UNFINISHED = (Effect.State.PENDING, Effect.State.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFilter:
    """Which effects are meant: those to which all that is given here applies. None applies to all.

    Attributes:
        state: One of ``Effect.State``.
        name: That of the effect type.
        reactor: The name of the reactor that asked for it.
        ordering_key: Its ordering key.
        event_id: The fact that called for it, by its id.
        position: The same, by its position.
        older_than: It was asked for longer ago.
        newer_than: It was asked for less long ago.
        created_after: It was asked for after that moment.
        created_before: It was asked for before that moment.

    Indexes serve the state, the ordering key, and the fact by either; what is left is looked at row by row.
    """

    state: str | None = None
    name: str | None = None
    reactor: str | None = None
    ordering_key: str | None = None
    event_id: UUID | None = None
    position: int | None = None
    older_than: timedelta | None = None
    newer_than: timedelta | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    def condition(self, using: str) -> Q:
        """Return it for rows of Effect; ages are measured now, by the clock of the database."""
        columns = ("state", "name", "reactor", "ordering_key", "event_id", "position")
        given = {column: getattr(self, column) for column in columns}
        found = Q(**{column: value for column, value in given.items() if value is not None})
        if self.position is not None:  # which has no index, as the id of the fact has
            facts = Event.objects.using(using).filter(pk=self.position)
            found &= Q(event_id__in=list(facts.values_list("id", flat=True)))
        if self.state in _UNFINISHED:  # so that rows of one state are in the order of ids in their index
            found &= Q(finished_at=None)
        if self.created_after is not None:
            found &= Q(created_at__gt=self.created_after)
        if self.created_before is not None:
            found &= Q(created_at__lt=self.created_before)
        if self.older_than is not None:
            found &= Q(created_at__lt=database_now(using) - self.older_than)
        if self.newer_than is not None:
            found &= Q(created_at__gt=database_now(using) - self.newer_than)
        return found


def effects_matching(
    chosen: EffectFilter | None = None, *, limit: int | None = None, using: str | None = None
) -> QuerySet[Effect]:
    """Return the effects that are meant, those that were written last first; the query runs when it is used.

    Args:
        chosen: Which; None for all.
        limit: At most so many.
        using: The alias of the database.
    """
    alias = database_for_writing(using)
    found = Effect.objects.using(alias).filter((chosen or EffectFilter()).condition(alias)).order_by("-pk")
    return found if limit is None else found[:limit]
