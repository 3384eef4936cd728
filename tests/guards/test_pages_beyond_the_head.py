"""Pages for whoever looks: facts above the head are in them, and none is missed while an append is open."""

from __future__ import annotations

import pytest

from factos_django import Query
from factos_django.store.heads import head
from factos_django.store.stored import stored_page
from tests.guards.conftest import Opener
from tests.guards.facts import noted, tagged
from tests.guards.sessions import under_tags
from tests.stores import Store


def positions(query: Query, store: Store, most: int | None, *, backwards: bool, beyond: bool) -> list[int]:
    """Walk through the pages and return the positions that they hold."""
    after, before = 0, head(store.using) + 1000
    found: list[int] = []
    while True:
        page = stored_page(
            query,
            after=after,
            before=before,
            limit=2,
            backwards=backwards,
            beyond_head=beyond,
            most_looked_at=most,
            using=store.using,
        )
        found += [row.position for row in page.events]
        if not page.is_cut and page.looked_to is None:
            return found
        seen = found[-1] if page.looked_to is None else page.looked_to
        after, before = (after, seen) if backwards else (seen, before)


@pytest.mark.parametrize("most", [None, 1, 3, 400])
@under_tags
def test_facts_above_the_head_are_in_the_page_while_an_append_is_open(
    store: Store, session: Opener, most: int | None
) -> None:
    a, b = session("a"), session("b")
    b.run(b.log.append, [noted("below", "t", "u")])
    a.begin()
    (slow,) = a.run(a.log.append, [noted("open", "t", "w")])
    later = [b.run(b.log.append, [noted(f"{n}", "u", *(["t", "v"] if n % 3 else []))])[0] for n in range(6)]
    above = [each.position for each in later]
    assert slow.position < above[0]
    assert head(store.using) < slow.position

    for backwards in (False, True):
        in_order = sorted if not backwards else (lambda found: sorted(found, reverse=True))
        known = positions(Query.all(), store, most, backwards=backwards, beyond=False)
        assert not {slow.position, *above} & set(known)
        seen = positions(Query.all(), store, most, backwards=backwards, beyond=True)
        assert seen == in_order([*known, *above])
        of_both = positions(tagged("u", "t"), store, most, backwards=backwards, beyond=True)
        assert of_both == in_order([*known, *(each for n, each in enumerate(above) if n % 3)])

    a.commit()
    assert head(store.using) == above[-1]
    assert slow.position in positions(tagged("w", "t"), store, most, backwards=True, beyond=True)
