"""Effects for old facts: only where somebody asks for them, and each once."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from factos_django import InvalidBatchSize, InvalidPosition, ReactionFailed, UnknownReactor
from factos_django.core.reactor import Reactor
from factos_django.effects.declaration import DeclaredReactor
from factos_django.effects.reacting_again import Reacted, react_again
from factos_django.projections.rebuilding import rebuild
from factos_django.registry import REACTORS
from factos_django.store import append, head
from tests.effects.outboxes import attempt, effects
from tests.guards.sessions import Session, under_tags
from tests.ledger.domain import Deposited
from tests.parcels.domain import PARCELS, Bill, Notify, ParcelSent
from tests.stores import on_databases

NEW = "parcels.survey"


def sent(using, *parcels, told=""):
    return append([ParcelSent(parcel, "renata", told=told) for parcel in parcels], using=using)


@contextmanager
def declared(react, name=NEW, query=PARCELS):
    """A reactor that is known in the block only, in place of another of this name."""
    before = REACTORS.named(name)
    REACTORS.unregister(name)
    REACTORS.register(DeclaredReactor(name, query, Reactor(react)))
    try:
        yield
    finally:
        REACTORS.unregister(name)
        if before is not None:
            REACTORS.register(before)


def survey(recorded):
    return [Notify(recorded.event.parcel, "fine")]


def keys(using):
    return {(each.position, each.reactor, each.name, each.key) for each in effects(using)}


@on_databases()
def test_a_new_reactor_begins_with_the_facts_after_it_and_looks_at_older_ones_when_asked(store):
    """D22."""
    old = sent(store.using, "p1", "p2", "p3")
    with declared(survey):
        assert effects(store.using).count() == 0
        *_, new = sent(store.using, "p4")
        assert [row.position for row in effects(store.using)] == [new.position]
        counted = react_again(NEW, dry_run=True, using=store.using)
        assert (counted.facts, counted.effects, counted.new) == (4, 4, 3)
        assert effects(store.using).count() == 1
        assert react_again(NEW, using=store.using) == counted
        assert [row.position for row in effects(store.using)] == [each.position for each in (*old, new)]
        assert react_again(NEW, using=store.using).new == 0
    assert effects(store.using).count() == 4


@on_databases()
def test_bounds_are_inclusive_and_batches_change_nothing(store):
    first, second, third, fourth = sent(store.using, "p1", "p2", "p3", "p4")
    with declared(survey):
        bounds = {"first": second.position, "last": third.position}
        told = []
        done = react_again(NEW, **bounds, batch_size=1, progress=told.append, using=store.using)
        assert done == Reacted(third.position, third.position, facts=2, effects=2, new=2)
        assert told[0].facts == 1
        assert told[-1] == done
        assert [row.position for row in effects(store.using)] == [second.position, third.position]
        rest = react_again(NEW, batch_size=3, using=store.using)
        assert (rest.facts, rest.new) == (4, 2)
        beyond = react_again(NEW, first=fourth.position + 1, last=10**12, using=store.using)
        assert (beyond.facts, beyond.new) == (0, 0)
    assert first.position in {row.position for row in effects(store.using)}


@on_databases()
def test_only_facts_of_its_query_are_looked_at(store):
    append([Deposited("a", 1)], using=store.using)
    sent(store.using, "p1")
    append([Deposited("a", 1)], using=store.using)
    with declared(survey):
        assert react_again(NEW, using=store.using).facts == 1


@on_databases()
def test_what_it_asks_for_is_delivered_as_any_other_effect(store):
    sent(store.using, "p1")
    with declared(survey):
        react_again(NEW, using=store.using)
        (row,) = effects(store.using)
        assert row.publish_at <= row.created_at, "no commit publishes it"
        assert attempt(row, store.using).effect == Notify("p1", "fine")
        assert row.state == "done"
        assert react_again(NEW, using=store.using).new == 0, "it was asked for"
    assert effects(store.using).count() == 1


@on_databases()
def test_a_reactor_that_asks_for_more_or_in_another_order_shifts_no_key(store):
    """D23."""
    sent(store.using, "p1", told="fine")
    before = keys(store.using)

    def changed(recorded):
        return [Bill("first", "fine"), Notify(recorded.event.parcel, "fine"), Notify("again", "fine")]

    with declared(changed, "parcels.notify"):
        done = react_again("parcels.notify", using=store.using)
    assert (done.effects, done.new) == (3, 2)
    assert keys(store.using) > before
    new = {(name, key) for _, _, name, key in keys(store.using) - before}
    assert new == {("parcels.Bill", "0"), ("parcels.Notify", "1")}


@on_databases()
def test_a_rebuild_asks_for_nothing(store):
    """D21."""
    sent(store.using, "p1", told="fine")
    append([Deposited("a", 1)], using=store.using)
    before = keys(store.using)
    with declared(survey):
        for name in ("ledger.balances", "ledger.turnovers"):
            rebuild(name, using=store.using)
    assert keys(store.using) == before


@under_tags
def test_it_never_passes_the_stable_head(store):
    """What is open below may still appear, with its own effects or none."""
    with declared(survey):
        session = Session(store.using, "open")
        try:
            session.begin()
            session.run(append, [Deposited("held", 1)], using=store.using)
            REACTORS.unregister(NEW)
            *_, last = sent(store.using, "p1")
            REACTORS.register(DeclaredReactor(NEW, PARCELS, Reactor(survey)))
            assert head(store.using) < last.position
            assert react_again(NEW, last=last.position, using=store.using).facts == 0
        finally:
            session.close()
        assert react_again(NEW, last=last.position, using=store.using).new == 1


@on_databases()
def test_a_fact_that_it_cannot_use_is_named_and_batches_before_it_stay(store):
    first, second, _ = sent(store.using, "p1", "p2", "p3")

    def fails(recorded):
        if recorded.event.parcel == "p2":
            raise ValueError("no p2")
        return survey(recorded)

    with declared(fails), pytest.raises(ReactionFailed) as failed:
        react_again(NEW, batch_size=1, using=store.using)
    assert (failed.value.position, failed.value.reason) == (second.position, "ValueError: no p2")
    assert [row.position for row in effects(store.using)] == [first.position]
    with declared(survey):
        assert react_again(NEW, first=second.position, using=store.using).new == 2


@on_databases("default")
def test_what_is_no_effect_is_refused_with_the_position_too(store):
    (only,) = sent(store.using, "p1")
    with (
        declared(lambda recorded: [object()]),
        pytest.raises(ReactionFailed, match="no effect type") as failed,
    ):
        react_again(NEW, dry_run=True, using=store.using)
    assert failed.value.position == only.position


@on_databases("default")
def test_wrong_arguments_are_refused(store):
    with pytest.raises(UnknownReactor, match=r"Registered are: .*parcels\.notify"):
        react_again("parcels.nobody", using=store.using)
    with declared(survey):
        for wrong in ({"first": -1}, {"last": "7"}, {"first": True}):
            with pytest.raises(InvalidPosition):
                react_again(NEW, **wrong, using=store.using)
        for wrong in (0, -1, True, 1.5):
            with pytest.raises(InvalidBatchSize):
                react_again(NEW, batch_size=wrong, using=store.using)
