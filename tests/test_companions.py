"""Facts that were decided together."""

from __future__ import annotations

from factos_django import Decider, Query, QueryItem
from factos_django.dispatch import dispatch
from factos_django.store import append
from factos_django.store.companions import companions_of
from factos_django.testing.contract import Noted
from tests.stores import on_databases

pytestmark = on_databases()

NOTES: Decider[int, int, Noted] = Decider(
    initial=0,
    decide=lambda _, count: [Noted(str(number)) for number in range(count)],
    evolve=lambda state, _: state,
)
QUERY = Query.of(QueryItem(types=[Noted]))


def decided(count: int, using: str) -> list[int]:
    done = dispatch(count, decider=NOTES, query=QUERY, using=using)
    return [recorded.position for recorded in done.events]


def test_the_facts_of_one_decision_are_found_by_each_of_them(store):
    before, together, after = (decided(count, store.using) for count in (1, 3, 2))
    for positions in (before, together, after):
        for position in positions:
            found = companions_of(position, using=store.using)
            assert [row.position for row in found.rows] == positions
            assert found.are_all


def test_of_a_plain_append_and_of_a_large_one_it_is_not_known(store):
    (plain, _) = append([Noted("a"), Noted("b")], using=store.using)
    assert companions_of(plain.position, using=store.using).rows == ()
    assert not companions_of(plain.position, using=store.using).are_all
    large = decided(300, store.using)
    for position in (large[0], large[150], large[-1]):
        found = companions_of(position, using=store.using)
        assert position in [row.position for row in found.rows]
        assert not found.are_all
    assert not companions_of(2**63 - 1, using=store.using).are_all
