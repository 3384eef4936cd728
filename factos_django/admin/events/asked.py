"""Which facts a list shows: what its filters and its search ask for together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from factos_django.core.metadata import CORRELATION_ID
from factos_django.core.query import Query, QueryItem
from factos_django.store.stored import Filters

__all__ = ["Asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What each fact must meet, all of it. It grows narrower by each method, and is never changed itself.

    Attributes:
        types: Its type is one of these; None for any type.
        tags: It has all of these tags.
        correlations: Its correlation is each of these: two of them match nothing.
        recorded_after: It was recorded later than this moment, an aware one.
        recorded_before: It was recorded earlier than this moment, an aware one.
    """

    types: frozenset[str] | None = None
    tags: tuple[str, ...] = ()
    correlations: frozenset[str] = frozenset()
    recorded_after: datetime | None = None
    recorded_before: datetime | None = None

    def of_types(self, names: Iterable[str]) -> Asked:
        """Return what is of one of these types besides; ``names`` are none for any type."""
        wanted = frozenset(names)
        if not wanted:
            return self
        return replace(self, types=wanted if self.types is None else self.types & wanted)

    def with_tags(self, tags: Iterable[str]) -> Asked:
        """Return what has these tags besides."""
        return replace(self, tags=tuple(dict.fromkeys([*self.tags, *tags])))

    def of_correlation(self, text: str) -> Asked:
        """Return what has this correlation besides."""
        return replace(self, correlations=self.correlations | {text})

    def within(self, after: datetime | None, before: datetime | None) -> Asked:
        """Return what was recorded between these moments besides; None is no end."""
        starts = [each for each in (self.recorded_after, after) if each is not None]
        ends = [each for each in (self.recorded_before, before) if each is not None]
        return replace(
            self, recorded_after=max(starts, default=None), recorded_before=min(ends, default=None)
        )

    @property
    def is_impossible(self) -> bool:
        """Whether no fact can meet all of it."""
        is_no_period = (
            self.recorded_after is not None
            and self.recorded_before is not None
            and self.recorded_after >= self.recorded_before
        )
        return is_no_period or len(self.correlations) > 1 or self.types == frozenset()

    @property
    def query(self) -> Query:
        """The types and tags."""
        if not self.types and not self.tags:
            return Query.all()
        return Query.of(QueryItem(self.types or (), self.tags))

    @property
    def filters(self) -> Filters:
        """The rest."""
        return Filters(
            dict.fromkeys([CORRELATION_ID], *self.correlations) if self.correlations else {},
            self.recorded_after,
            self.recorded_before,
        )
