"""Pages that look at few rows, one behind the other, hold what one look at everything finds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from factos_django import Query, QueryItem
from factos_django.store import stored
from factos_django.store.stored import Filters, Page, stored_page
from tests.rest.stored import MOMENT, store_row
from tests.stores import Store, on_databases

pytestmark = [on_databases(), pytest.mark.usefixtures("on_store")]

EVENTS = 240
TYPES = ["a", "b", "c", "rare", "never"]
TAGS = ["half", "other", "third", "tenth", "one", "nobody"]
CORRELATIONS = ["all", "few", "7", "none"]
#: So many walks, each of another query, in pages of another size.
WALKS = 120


@dataclass(frozen=True)
class Walk:
    """A reading of the log, page by page."""

    query: Query
    filters: Filters
    after: int
    before: int
    backwards: bool
    limit: int
    most: int


def fill(store: Store) -> None:
    """Store facts of which tags, types and metadata meet often, seldom and never."""
    chance = random.Random(1)
    with transaction.atomic(using=store.using):
        for n in range(EVENTS):
            tags = [tag for tag, every in zip(TAGS, (2, 3, 3, 10, EVENTS), strict=False) if n % every == 0]
            metadata: dict[str, Any] = {
                "correlation_id": 7 if n % 9 == 0 else chance.choice(["all", "all", "few", "7"]),
                "causation_id": f"{'long' * 70}{n % 3}" if n % 2 else "short",
            }
            kind = "rare" if n in {5, 200} else chance.choice("abc")
            store_row(
                store.using,
                type=kind,
                tags=tags,
                metadata=metadata,
                recorded_at=MOMENT + timedelta(minutes=n),
            )


def any_item(chance: random.Random) -> QueryItem:
    """Return an item of any shape."""
    types = chance.sample(TYPES, chance.choice([0, 0, 1, 2, 3]))
    return QueryItem(types, chance.sample(TAGS, chance.choice([0, 1, 2] if types else [1, 1, 2, 3, 6])))


def any_walk(chance: random.Random, first: int) -> Walk:
    """Return a reading of a query of any shape."""
    items = [any_item(chance) for _ in range(chance.choice([0, 1, 1, 1, 2, 3]))]
    metadata = {}
    if chance.random() < 0.4:
        metadata["correlation_id"] = chance.choice(CORRELATIONS)
    if chance.random() < 0.2:
        metadata["causation_id"] = chance.choice(["short", f"{'long' * 70}1", f"{'long' * 70}"])
    moments = [MOMENT + timedelta(minutes=chance.randrange(EVENTS)) for _ in range(2)]
    return Walk(
        Query.of(*items) if items else Query.all(),
        Filters(
            metadata,
            min(moments) if chance.random() < 0.2 else None,
            max(moments) if chance.random() < 0.2 else None,
        ),
        after=chance.choice([0, 0, first + chance.randrange(EVENTS)]),
        before=first + chance.choice([EVENTS, EVENTS + 50, chance.randrange(EVENTS)]),
        backwards=chance.random() < 0.5,
        limit=chance.choice([1, 3, 20]),
        most=chance.choice([1, 2, 7, 30, 400]),
    )


def pages(walk: Walk, using: str) -> Iterator[Page]:
    """Yield the pages of ``walk``, each from where the one before says."""
    after, before = walk.after, walk.before
    while True:
        page = stored_page(
            walk.query,
            after=after,
            before=before,
            limit=walk.limit,
            backwards=walk.backwards,
            filters=walk.filters,
            most_looked_at=walk.most,
            using=using,
        )
        yield page
        if not page.is_cut and page.looked_to is None:
            return
        assert not (page.is_cut and page.looked_to is not None)
        seen = page.events[-1].position if page.looked_to is None else page.looked_to
        assert after < seen < before, "each page goes further"
        after, before = (after, seen) if walk.backwards else (seen, before)


def test_walking_through_bounded_pages_misses_and_repeats_nothing(store: Store) -> None:
    fill(store)
    first = stored_page(Query.all(), limit=1, using=store.using).events[0].position
    cut = found = 0
    for seed in range(WALKS):
        walk = any_walk(random.Random(seed), first)
        whole = stored_page(
            walk.query,
            after=walk.after,
            before=walk.before,
            limit=EVENTS,
            backwards=walk.backwards,
            filters=walk.filters,
            using=store.using,
        )
        walked = list(pages(walk, store.using))
        assert [row for page in walked for row in page.events] == list(whole.events), (seed, walk)
        cut += sum(page.looked_to is not None for page in walked)
        found += len(whole.events)
    assert cut > WALKS
    assert found > WALKS


@pytest.mark.parametrize("backwards", [False, True])
def test_a_page_that_finds_nothing_looks_as_far_as_five_that_give_up_at_once(
    store: Store, backwards: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic(using=store.using):
        for n in range(EVENTS):
            store_row(store.using, type="a", tags=["odd" if n % 2 else "even"])
    look = partial(
        stored_page,
        Query.of(QueryItem(tags=["odd", "even"])),
        limit=5,
        backwards=backwards,
        most_looked_at=10,
        using=store.using,
    )
    at_once = look()
    monkeypatch.setattr(stored, "_LOOKS", 1)
    ends = [look().looked_to]
    while len(ends) < 5:
        place: dict[str, Any] = {"before" if backwards else "after": ends[-1]}
        ends.append(look(**place).looked_to)
    assert at_once.events == ()
    assert at_once.looked_to == ends[-1]
    assert len(set(ends)) == 5
