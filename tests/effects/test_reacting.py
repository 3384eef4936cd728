"""Reactors run in the transaction of the append, and their effects are written there, or nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, OperationalError, connections, transaction
from django.test.utils import CaptureQueriesContext, override_settings

from factos_django import (
    AppendCondition,
    AppendConditionFailed,
    Deliver,
    DomainError,
    EffectKeyTaken,
    InvalidDelivery,
    InvalidName,
    Proposed,
    Query,
    QueryItem,
    Reactor,
    ReactorFailed,
    Recorded,
    RegistrationError,
    RetryTransaction,
    UnknownReactor,
    effect_type,
)
from factos_django.core.decider import Decider
from factos_django.dispatch import dispatch
from factos_django.effects import announcing, reactor
from factos_django.effects.declaration import reactor_named
from factos_django.models import Effect, Event
from factos_django.projections.rebuilding import rebuild
from factos_django.registry import REACTORS
from factos_django.store import append, read
from tests.effects.makeshift import alone, effects, keys, only, reacting
from tests.ledger.domain import Deposited
from tests.parcels.domain import PARCELS, Bill, Notify, ParcelReported, ParcelSent
from tests.parcels.factos import notifications
from tests.stores import on_databases

ANYTHING = AppendCondition(Query.all())

#: Records what it is told.
SENDS: Decider[Any, Any, Any] = Decider(
    decide=lambda state, command: [command], evolve=lambda state, event: state, initial=None
)


@dataclass(frozen=True)
class Unregistered:
    """No effect type."""


@effect_type("tests.Loose")
@dataclass(frozen=True)
class Loose:
    """An effect that holds anything, some of which has no JSON."""

    held: object


class Mistake(Exception):
    """The reactor's."""


class Refusal(DomainError):
    """A reactor is not to decide."""


class Changed(Exception):
    """The caller changed his mind."""


def raises(error):
    def react(recorded):
        raise error

    return react


def append_and_change_my_mind(using):
    with transaction.atomic(using=using):
        append([ParcelSent("lost", "renata")], using=using)
        raise Changed


@pytest.fixture
def published(monkeypatch):
    """What publishers are told of."""
    told = []
    monkeypatch.setattr(announcing, "PUBLISHERS", [lambda outgoing, using: told.extend(outgoing)])
    return told


def nothing_is_recorded(using):
    return not Event.objects.using(using).exists() and not Effect.objects.using(using).exists()


@on_databases()
def test_a_reactor_is_told_of_the_fact_as_recorded(store):
    seen = []

    def look(recorded):
        assert connections[store.using].in_atomic_block
        seen.append(recorded)
        return []

    proposed = Proposed(ParcelSent("p1", "renata"), tags=["extra"], metadata={"note": "x"})
    with alone(look):
        (recorded,) = append([proposed], using=store.using)
    assert seen == [recorded] == list(read(PARCELS, using=store.using))
    assert (seen[0].position, seen[0].metadata["note"]) == (recorded.position, "x")
    assert "extra" in seen[0].tags


@on_databases()
def test_a_batch_writes_the_effects_of_all_its_facts_in_their_order(store):
    batch = [ParcelSent(f"p{n}", "renata", billed="fine") for n in range(3)]
    recorded = append([batch[0], ParcelReported("p9"), *batch[1:]], using=store.using)
    asked = [(row.name, row.position, row.event_id) for row in effects(store.using)]
    sent = [(each.position, each.id) for each in recorded if isinstance(each.event, ParcelSent)]
    assert asked == [(name, *each) for name in ("parcels.Bill", "parcels.Notify") for each in sent]


@on_databases()
def test_more_effects_than_one_statement_holds_are_all_written(store):
    with alone(lambda recorded: [Notify(f"p{n}", "x" * 50_000) for n in range(601)]):
        append([ParcelSent("p", "renata")], using=store.using)
    assert Effect.objects.using(store.using).count() == 601


@on_databases()
def test_a_dispatch_writes_effects_as_an_append_does(store):
    query = Query.of(QueryItem(tags=["parcel:p1"]))
    done = dispatch(ParcelSent("p1", "renata"), decider=SENDS, query=query, using=store.using)
    row = only(store.using)
    assert (row.event_id, row.position) == (done.events[0].id, done.position)


@on_databases()
def test_a_savepoint_that_is_rolled_back_takes_its_effects_and_their_messages(store, published):
    with transaction.atomic(using=store.using):
        append([ParcelSent("kept", "renata")], using=store.using)
        with pytest.raises(Changed):
            append_and_change_my_mind(store.using)
        assert published == []
    assert [each.id for each in published] == [only(store.using).pk]


@on_databases()
def test_a_condition_that_fails_writes_no_effect(store):
    append([ParcelReported("p1")], using=store.using)
    with pytest.raises(AppendConditionFailed):
        append(
            [ParcelSent("p1", "renata")],
            condition=AppendCondition(Query.of(QueryItem(tags=["parcel:p1"])), after=0),
            using=store.using,
        )
    assert effects(store.using) == []


@on_databases()
@pytest.mark.parametrize("by", ["key", "id"])
def test_a_repetition_writes_no_effect_again(store, by):
    fact = ParcelSent("p1", "renata")
    what = [fact] if by == "key" else [Proposed(fact, id=uuid4())]
    key = "once" if by == "key" else None
    first = append(what, idempotency_key=key, using=store.using)
    assert append(what, idempotency_key=key, using=store.using) == first
    assert len(effects(store.using)) == 1


@on_databases("default", "postgres")
def test_a_rebuild_calls_no_reactor_and_writes_no_effect(store):
    append([Deposited("x", 1)], using=store.using)
    with alone(raises(Mistake("called")), query=Query.all()):
        rebuild("ledger.balances", using=store.using)
    assert effects(store.using) == []


@on_databases()
def test_a_reactor_that_matches_no_fact_is_not_run_and_costs_no_statement(store):
    def statements():
        with CaptureQueriesContext(connections[store.using]) as captured:
            append([ParcelReported("p1")], using=store.using)
        return [word for each in captured if (word := each["sql"].partition(" ")[0]) != "NOTIFY"]

    with alone(raises(Mistake())):
        append([ParcelReported("p0")], using=store.using)
        beside = statements()
    for each in (others := list(REACTORS)):
        REACTORS.unregister(each.name)
    try:
        assert statements() == beside
    finally:
        for each in others:
            REACTORS.register(each)
    if store.id == "postgres-tags":
        assert len(beside) == 1


@on_databases("postgres")
def test_a_reactor_that_matches_adds_one_insert_and_the_bound_of_its_wait(store):
    append([ParcelReported("p0")], using=store.using)
    with transaction.atomic(using=store.using):
        append([ParcelSent("p1", "renata")], using=store.using)
        with alone(lambda recorded: []), CaptureQueriesContext(connections[store.using]) as without:
            append([ParcelSent("p1", "renata")], using=store.using)
        with CaptureQueriesContext(connections[store.using]) as captured:
            append([ParcelSent("p1", "renata")], using=store.using)
    more = [each["sql"] for each in captured if "factos_effect" in each["sql"]]
    assert len(more) == 1
    assert more[0].startswith("INSERT")
    assert len(captured) <= len(without) + 3


FAILURES = [
    (raises(Mistake("no such buyer")), "Mistake: no such buyer"),
    (raises(Refusal()), "Refusal"),
    (raises(InvalidName(name="x")), "InvalidName"),
    (raises(AppendConditionFailed(condition=ANYTHING, positions=(1,))), "AppendConditionFailed"),
    (lambda recorded: [Deliver(Notify("p", "x"), delay=-1)], "InvalidDelivery"),
    (lambda recorded: Notify("p", "x"), "not iterable"),
    (lambda recorded: "text", "UnknownEffectType"),
    (lambda recorded: [Unregistered()], "UnknownEffectType"),
    (lambda recorded: [Notify], "UnknownEffectType"),
    (lambda recorded: [None], "UnknownEffectType"),
    (lambda recorded: [Deliver(Deliver(Notify("p", "x")))], "UnknownEffectType"),
    (lambda recorded: [ParcelSent("p", "an event is no effect")], "UnknownEffectType"),
    (lambda recorded: [Loose(object())], "EncodeError"),
    (lambda recorded: [Loose("\x00")], "EncodeError"),
    (lambda recorded: [Loose("\ud800")], "EncodeError"),
    (lambda recorded: [Loose(float("nan"))], "EncodeError"),
    (lambda recorded: [Loose("x" * 300_000)], "FACTOS_MAX_EVENT_BYTES"),
    (lambda recorded: 1 / 0, "ZeroDivisionError"),
    (list, "TypeError"),
]  # fmt: skip


@on_databases()
def test_whatever_a_reactor_does_wrong_refuses_the_append_by_its_name(store):
    for react, reason in FAILURES:
        with reacting(react), pytest.raises(ReactorFailed) as refused:
            append([ParcelReported("p0"), ParcelSent("p1", "renata")], using=store.using)
        assert (refused.value.name, refused.value.type) == ("tests.tried", "parcels.Sent")
        assert reason in refused.value.reason
        assert refused.value.__cause__ is not None
        assert nothing_is_recorded(store.using)


def fails_on_the_way(recorded):
    yield Notify("p", "x")
    raise Mistake("half way")


@on_databases()
def test_a_failure_on_the_way_through_a_generator_leaves_nothing_of_its_append_or_dispatch(store):
    sent, query = ParcelSent("p1", "renata"), Query.of(QueryItem(tags=["parcel:p1"]))
    with reacting(fails_on_the_way):
        with pytest.raises(ReactorFailed):
            append([sent], using=store.using)
        with pytest.raises(ReactorFailed):
            append([sent], idempotency_key="k", using=store.using)
        with pytest.raises(ReactorFailed):
            dispatch(sent, decider=SENDS, query=query, using=store.using)
    assert nothing_is_recorded(store.using)
    append([sent], idempotency_key="k", using=store.using)
    assert len(effects(store.using)) == 1


@on_databases()
def test_a_caller_goes_on_after_a_refused_append_in_his_transaction(store):
    with transaction.atomic(using=store.using):
        append([ParcelReported("p0")], using=store.using)
        with reacting(raises(Mistake())), pytest.raises(ReactorFailed):
            append([ParcelSent("p1", "renata")], using=store.using)
        append([ParcelSent("p2", "renata")], using=store.using)
    events = [each.event.parcel for each in read(Query.all(), using=store.using)]
    assert events == ["p0", "p2"]
    assert only(store.using).position == Event.objects.using(store.using).latest("position").position


@on_databases("postgres")
def test_a_deadlock_inside_a_reactor_is_the_transactions_and_it_is_run_again(store):
    calls = []

    def react(recorded):
        calls.append(recorded)
        if len(calls) == 1:
            with connections[store.using].cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$")
        return [Notify("p1", "fine")]

    with alone(react):
        append([ParcelSent("p1", "renata")], using=store.using)
        assert len(calls) == 2
        assert only(store.using).position == calls[1].position
        calls.clear()
        with pytest.raises(RetryTransaction), transaction.atomic(using=store.using):
            append([ParcelSent("p2", "renata")], using=store.using)


@on_databases()
def test_an_outbox_that_cannot_be_written_refuses_the_append(store, monkeypatch):
    def away(*_args, **_kwargs):
        raise OperationalError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("factos_django.effects.declaration.ask", away)
        with pytest.raises(DatabaseError):
            append([ParcelSent("p1", "renata")], using=store.using)
    assert nothing_is_recorded(store.using)


@on_databases()
def test_a_reactor_may_ask_for_nothing(store):
    for nothing in (None, [], (), iter(()), {}, (each for each in ())):
        with alone(lambda recorded, nothing=nothing: nothing):
            append([ParcelSent("p1", "renata")], using=store.using)
    assert effects(store.using) == []


@on_databases()
def test_what_a_reactor_yields_is_asked_for(store):
    def react(recorded):
        yield Notify("p1", "fine")
        yield Deliver(Bill("p1", "fine"), ordering_key="renata", delay=60)

    with alone(react):
        append([ParcelSent("p1", "renata")], using=store.using)
    notify, bill = effects(store.using)
    assert (notify.name, notify.holds, notify.ordering_key) == ("parcels.Notify", False, None)
    assert notify.available_at == notify.created_at
    assert (bill.name, bill.holds, bill.ordering_key) == ("parcels.Bill", True, "renata")
    assert (bill.available_at - bill.created_at).total_seconds() == 60
    assert bill.publish_at == bill.available_at


N, B = Notify("p", "x"), Bill("p", "x")


@on_databases()
def test_keys_do_not_shift_when_other_effects_are_returned_in_another_order(store):
    """D23: with the reactor's code the order changes, and what is asked for again is known by its key."""
    told = {}
    for order in ([N, N, B], [B, N, N], [N, B, N], [Deliver(N), Deliver(B, delay=1), N]):
        Effect.objects.using(store.using).all().delete()
        with alone(lambda recorded, order=order: order):
            append([ParcelSent("p1", "renata")], using=store.using)
        told[str(order)] = sorted(keys(store.using))
    expected = [("parcels.Bill", "0"), ("parcels.Notify", "0"), ("parcels.Notify", "1")]
    assert [*told.values()] == [[("tests.tried", *each) for each in expected]] * 4


@on_databases()
def test_a_key_of_the_reactors_own_stands_in_the_place_of_the_ordinal(store):
    with alone(lambda recorded: [Deliver(N, key="first"), N, Deliver(B, key="first")]):
        append([ParcelSent("p1", "renata")], using=store.using)
    named = [(name, key) for _, name, key in keys(store.using)]
    assert named == [("parcels.Notify", "first"), ("parcels.Notify", "1"), ("parcels.Bill", "first")]


@on_databases()
@pytest.mark.parametrize(
    "asked", [[Deliver(N, key="a"), Deliver(N, key="a")], [N, Deliver(N, key="0")], [Deliver(N, key="1"), N]]
)
def test_two_effects_of_one_fact_under_one_key_refuse_the_append(store, asked):
    with alone(lambda recorded: asked), pytest.raises(EffectKeyTaken) as refused:
        append([ParcelSent("p1", "renata")], using=store.using)
    assert (refused.value.reactor, refused.value.effect) == ("tests.tried", "parcels.Notify")
    assert nothing_is_recorded(store.using)


@on_databases()
def test_keys_at_the_limit_of_length_and_of_any_characters_are_told_apart(store):
    odd = [
        "x" * 255,
        "\U0001f600" * 255,
        "a",
        "A",
        "a ",
        "é",
        "e",
        "e\u0301",
        "line\nfeed",
        "'; --",
        "%s",
    ]
    asked = [Deliver(N, key=key, ordering_key=key) for key in odd]
    with alone(lambda recorded: asked):
        append([ParcelSent("p1", "renata")], using=store.using)
    assert [(row.key, row.ordering_key) for row in effects(store.using)] == [(key, key) for key in odd]
    found = Effect.objects.using(store.using).filter(ordering_key="a")
    assert [row.key for row in found] == ["a"]


@on_databases()
def test_the_same_reactor_result_for_two_facts_makes_two_effects(store):
    with alone(lambda recorded: [Deliver(N, key="k")]):
        append([ParcelSent("p1", "renata"), ParcelSent("p1", "renata")], using=store.using)
    assert len({row.event_id for row in effects(store.using)}) == 2


class Elsewhere:
    """A router by which there is no outbox here."""

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return False if model_name == "effect" else None


@on_databases()
def test_a_database_without_outbox_records_facts_and_runs_no_reactor(store):
    with override_settings(DATABASE_ROUTERS=[Elsewhere()]), alone(raises(Mistake())):
        append([ParcelSent("p1", "renata")], using=store.using)
    assert Event.objects.using(store.using).count() == 1
    assert effects(store.using) == []


@on_databases("postgres", also=["default"])
def test_effects_are_written_in_the_database_of_their_fact(store):
    append([ParcelSent("p1", "renata")], using=store.using)
    assert len(effects(store.using)) == 1
    assert effects("default") == []


@on_databases()
def test_whoever_commits_by_hand_has_his_effects_left_to_a_relay(store, published):
    transaction.set_autocommit(False, using=store.using)
    try:
        append([ParcelSent("p1", "renata")], using=store.using)
        transaction.commit(using=store.using)
    finally:
        transaction.rollback(using=store.using)
        transaction.set_autocommit(True, using=store.using)
    assert only(store.using).state == "pending"
    assert published == []


@on_databases()
def test_what_is_delayed_is_left_to_a_relay(store, published):
    with alone(lambda recorded: [N, Deliver(N, delay=0.001)]):
        append([ParcelSent("p1", "renata")], using=store.using)
    assert [each.id for each in published] == [effects(store.using)[0].pk]


@on_databases()
def test_a_publisher_that_fails_fails_no_append(store, monkeypatch):
    def fails(*_told):
        raise Mistake

    heard = []
    monkeypatch.setattr(announcing, "PUBLISHERS", [fails, lambda *told: heard.append(told)])
    append([ParcelSent("p1", "renata")], using=store.using)
    assert len(heard) == 1


@on_databases()
def test_a_waker_that_fails_fails_no_append_and_stops_no_other(store, monkeypatch):
    def fails(_using):
        raise Mistake

    heard = []
    monkeypatch.setattr("factos_django.store.announcing.WAKERS", [fails])
    with transaction.atomic(using=store.using):
        append([ParcelReported("p1")], using=store.using)
        transaction.on_commit(lambda: heard.append("told"), using=store.using)
    assert heard == ["told"]


def test_a_reactor_given_back_is_a_core_reactor_that_can_be_called():
    assert isinstance(notifications, Reactor)
    recorded = Recorded(ParcelSent("p1", "renata"), 1, uuid4(), "parcels.Sent", 1, (), {}, None)
    assert notifications(recorded) == [Notify("p1", "fine")]
    assert reactor_named("parcels.notify").reactor is notifications


def test_a_core_reactor_can_be_registered_itself():
    made = Reactor(lambda recorded: [])
    with reacting(made) as given:
        assert given is made


@pytest.mark.parametrize(
    ("decorated", "reason"),
    [(None, "it is a function"), ("x", "it is a function")],
)
def test_what_is_no_function_is_no_reactor(decorated, reason):
    with pytest.raises(RegistrationError, match=reason):
        reactor("tests.tried", query=PARCELS)(decorated)


def test_an_async_function_is_no_reactor():
    async def react(recorded):
        return []

    with pytest.raises(RegistrationError, match="not async"):
        reactor("tests.tried", query=PARCELS)(react)


def test_a_reactor_needs_a_name_of_its_own_and_a_query():
    with pytest.raises(RegistrationError, match="the name is taken"):
        reactor("parcels.notify", query=PARCELS)(lambda recorded: [])
    with pytest.raises(RegistrationError, match="takes a Query"):
        reactor("tests.tried", query="parcels.Sent")
    for wrong in ("", "a b", "x" * 101, None):
        with pytest.raises(InvalidName):
            reactor(wrong, query=PARCELS)
    assert REACTORS.named("tests.tried") is None


def test_an_unknown_reactor_is_told_with_those_that_are_known():
    with pytest.raises(UnknownReactor, match=r"parcels\.notify"):
        reactor_named("nobody")


def test_what_cannot_be_waited_for_is_no_delay():
    for wrong in (True, "1", None, -1, float("nan"), float("inf"), 1e300, 10**400):
        with pytest.raises(InvalidDelivery):
            Deliver(N, delay=wrong)
