"""What dispatch adds to the contract: the stored decision, the warning, and who retries what."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import TestCase

from factos_django import (
    AppendCondition,
    AppendConditionFailed,
    Decider,
    DecodeError,
    DomainError,
    InsideTransaction,
    Proposed,
    Query,
    QueryItem,
    RetryTransaction,
    UnknownEventType,
    UnregisteredEvent,
    event_type,
)
from factos_django.core.event_types import EVENT_TYPES
from factos_django.dispatch import dispatch, retrying
from factos_django.models import Event
from factos_django.store import append, read, retries
from tests.insertions import patched_insertions
from tests.stores import Store, on_databases


@event_type("tests.dispatch.Booked", tags=("account:{account}",))
@dataclass(frozen=True)
class Booked:
    account: str
    amount: int


@dataclass(frozen=True)
class Book:
    account: str
    amounts: tuple[int, ...]


class Overdrawn(DomainError):
    """There is too little on the account."""


def decide(balance: int, command: Book) -> list[Booked]:
    if balance + sum(command.amounts) < 0:
        raise Overdrawn
    return [Booked(command.account, amount) for amount in command.amounts]


account: Decider[Book, int, Booked] = Decider(
    initial=0, decide=decide, evolve=lambda balance, event: balance + event.amount
)


def bookings(command: Book) -> Query:
    return Query.of(
        QueryItem(types=[Booked], tags=[f"account:{command.account}"]),
        QueryItem(types=["tests.dispatch.Unheard"], tags=["b", "a"]),
    )


def book(store: Store, *amounts: int, name: str = "ada", **options: Any) -> Any:
    return dispatch(
        Book(name, amounts), decider=account, **{"query": bookings, "using": store.using, **options}
    )


def texts(store: Store) -> list[Any]:
    return [each.event for each in read(Query.all(), using=store.using)]


# The decision is stored


@on_databases()
def test_what_the_decision_saw_is_stored_with_each_of_its_events_and_can_be_read_again(store):
    book(store, 5)
    book(store, 7, name="eve")
    book(store, 1)
    done = book(store, 2, 3)
    book(store, 9)
    stored = list(Event.objects.using(store.using).filter(pk__in=[each.position for each in done.events]))
    assert len(stored) == 2
    for event in stored:
        assert event.decision["position"] == done.context.position < done.position
        query = Query.from_data(event.decision["query"])
        assert query == done.context.query == bookings(Book("ada", ()))
        seen = [
            each for each in read(query, using=store.using) if each.position <= event.decision["position"]
        ]
        assert tuple(seen) == done.context.events
        assert [each.event for each in seen] == [Booked("ada", 5), Booked("ada", 1)]


@on_databases()
def test_a_decision_from_an_empty_context_is_stored_at_position_0(store):
    book(store, 7, name="eve")
    done = book(store, 5, query=Query.of(QueryItem(types=[Booked], tags=["account:ada"])))
    event = Event.objects.using(store.using).get(pk=done.position)
    assert event.decision["position"] == 0
    assert read(Query.from_data(event.decision["query"]), using=store.using) is not None


@on_databases()
def test_a_decision_from_everything_is_stored_as_such(store):
    book(store, 7, name="eve")
    done = book(store, 5, query=Query.all())
    event = Event.objects.using(store.using).get(pk=done.position)
    assert event.decision == {"query": {"all": True}, "position": done.context.events[-1].position}


@on_databases()
def test_a_plain_append_has_no_decision(store):
    [recorded] = append([Booked("ada", 5)], condition=AppendCondition(Query.all()), using=store.using)
    assert Event.objects.using(store.using).get(pk=recorded.position).decision is None


@on_databases()
def test_the_rows_of_the_event_and_its_tags_are_what_was_recorded(store):
    [recorded] = append(
        [Proposed(Booked("ada", 5), tags=("vip",))], metadata={"actor": "eve"}, using=store.using
    )
    event = Event.objects.using(store.using).get(id=recorded.id)
    assert (event.data, event.tags) == ({"account": "ada", "amount": 5}, ["account:ada", "vip"])
    assert (event.metadata, event.recorded_at) == ({"actor": "eve"}, recorded.recorded_at)
    assert {(row.value, row.type) for row in event.tag_rows.all()} == {
        ("account:ada", "tests.dispatch.Booked"),
        ("vip", "tests.dispatch.Booked"),
    }
    assert Event.objects.using(store.using).filter(data__account="ada", tag__value="vip").count() == 1


# A query item that nothing can satisfy


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The warnings that dispatch logs; nothing was warned of before."""
    monkeypatch.setattr("factos_django.dispatch._warned", set())
    with caplog.at_level(logging.WARNING, logger="factos_django.dispatch"):
        yield lambda: [record.getMessage() for record in caplog.records]


@on_databases()
def test_a_misspelt_tag_is_warned_of_once_however_often_it_is_dispatched(store, warnings):
    for name in ("ada", "ada", "eve"):
        misspelt = Query.of(QueryItem(types=[Booked], tags=[f"acount:{name}"]))
        book(store, 1, query=misspelt)
    [message] = warnings()
    assert "acount:ada" in message
    assert "guards nothing" in message


@on_databases("default")
def test_a_query_that_can_be_satisfied_is_not_warned_of(store, warnings):
    book(store, 1)
    assert warnings() == []


# Retries of dispatch and append


class Broken:
    """An insert that is broken off the first ``times`` times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.left, self.calls = times, 0
        patched_insertions(monkeypatch, self)
        monkeypatch.setattr(retries, "_pause", lambda most: None)

    def __call__(self, insert: Callable[[], Any]) -> Any:
        self.calls += 1
        recorded = insert()
        if self.left > 0:
            self.left -= 1
            raise RetryTransaction(using="it", reason="a deadlock")
        return recorded


@on_databases()
def test_dispatch_runs_a_transaction_of_its_own_again_and_counts_the_attempts(store, monkeypatch):
    broken = Broken(monkeypatch, times=2)
    done = book(store, 5)
    assert (done.attempts, broken.calls) == (3, 3)
    assert texts(store) == [Booked("ada", 5)]


@on_databases()
def test_append_runs_a_transaction_of_its_own_again(store, monkeypatch):
    broken = Broken(monkeypatch, times=1)
    append([Booked("ada", 5)], using=store.using)
    assert broken.calls == 2
    assert texts(store) == [Booked("ada", 5)]


@on_databases()
def test_it_gives_up_after_so_many_attempts_and_nothing_is_recorded(store, monkeypatch, settings):
    settings.FACTOS_DISPATCH_ATTEMPTS = 3
    broken = Broken(monkeypatch, times=9)
    with pytest.raises(RetryTransaction, match="a deadlock"):
        book(store, 5)
    assert broken.calls == 3
    assert texts(store) == []


@on_databases()
def test_inside_the_callers_transaction_it_is_let_out_at_once(store, monkeypatch):
    broken = Broken(monkeypatch, times=1)
    with transaction.atomic(using=store.using), pytest.raises(RetryTransaction):
        book(store, 5)
    assert broken.calls == 1
    assert texts(store) == []


@on_databases()
def test_a_domain_error_is_not_retried(store, monkeypatch):
    calls = []

    def refuse(balance, command):
        calls.append(command)
        raise Overdrawn

    refusing = Decider(initial=0, decide=refuse, evolve=lambda balance, event: balance)
    with pytest.raises(Overdrawn):
        dispatch(Book("ada", ()), decider=refusing, query=bookings, using=store.using)
    assert len(calls) == 1


# retrying


def groups(store: Store) -> list[str]:
    return sorted(group.name for group in Group.objects.using(store.using).all())


@on_databases()
def test_retrying_runs_the_whole_function_again_with_the_users_own_rows_in_it(store, monkeypatch):
    monkeypatch.setattr(retries, "_pause", lambda most: None)
    context = AppendCondition(Query.of(QueryItem(types=[Booked])))
    calls = []

    @retrying(attempts=3, using=store.using)
    def change(name: str, *, amount: int) -> str:
        """Change."""
        calls.append(name)
        Group.objects.using(store.using).create(name=f"{name} {len(calls)}")
        append([Booked(name, amount)], using=store.using)
        if len(calls) < 3:
            append([Booked(name, amount)], condition=context, using=store.using)
        return "done"

    assert change("ada", amount=5) == "done"
    assert (len(calls), groups(store), texts(store)) == (3, ["ada 3"], [Booked("ada", 5)])
    assert (change.__name__, change.__doc__) == ("change", "Change.")


@on_databases()
@pytest.mark.parametrize(
    "error",
    [
        RetryTransaction(using="it", reason="a deadlock"),
        AppendConditionFailed(condition=AppendCondition(Query.all()), positions=(1,)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_retrying_gives_up_after_so_many_attempts_and_lets_the_error_out(store, error, monkeypatch):
    monkeypatch.setattr(retries, "_pause", lambda most: None)
    calls = []

    @retrying(attempts=4, using=store.using)
    def fail() -> None:
        calls.append(1)
        Group.objects.using(store.using).create(name="left")
        raise error

    with pytest.raises(type(error)) as raised:
        fail()
    assert raised.value is error
    assert (len(calls), groups(store)) == (4, [])


@on_databases()
@pytest.mark.parametrize("error", [Overdrawn(), LookupError()], ids=lambda error: type(error).__name__)
def test_retrying_does_not_repeat_other_errors(store, error):
    calls = []

    @retrying(using=store.using)
    def fail() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        fail()
    assert len(calls) == 1


@on_databases()
def test_retrying_repeats_what_dispatch_inside_could_not(store, monkeypatch):
    broken = Broken(monkeypatch, times=2)

    @retrying(using=store.using)
    def change() -> Any:
        Group.objects.using(store.using).create(name="one")
        return book(store, 5)

    assert change().attempts == 1
    assert (broken.calls, groups(store), texts(store)) == (3, ["one"], [Booked("ada", 5)])


@on_databases()
def test_retrying_refuses_inside_an_open_transaction_and_says_what_to_do(store):
    @retrying(using=store.using)
    def change() -> None:
        raise AssertionError("it ran")

    with transaction.atomic(using=store.using), pytest.raises(InsideTransaction, match="decorate its owner"):
        change()


@retrying(attempts=2)
def change_in_test_case(calls: list[int]) -> None:
    calls.append(1)
    append([Booked("ada", len(calls))])
    if len(calls) < 2:
        raise AppendConditionFailed(condition=AppendCondition(Query.all()), positions=(1,))


class TestInTestCase(TestCase):
    """TestCase opens transactions around each test, which are not the application's."""

    def test_retrying_works(self):
        calls: list[int] = []
        change_in_test_case(calls)
        assert len(calls) == 2
        assert [each.event for each in read(Query.all())] == [Booked("ada", 2)]

    def test_retrying_refuses_inside_a_transaction_of_the_test(self):
        with transaction.atomic(), pytest.raises(InsideTransaction):
            change_in_test_case([])

    def test_dispatch_works(self):
        done = dispatch(Book("ada", (5,)), decider=account, query=bookings)
        assert [each.event for each in read(Query.all())] == [each.event for each in done.events]


# History and code


def without_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process knows no class for the events any more."""
    known = EVENT_TYPES._by_name
    monkeypatch.setattr(
        EVENT_TYPES, "_by_name", {name: kind for name, kind in known.items() if kind.cls is not Booked}
    )


@on_databases()
def test_a_type_without_a_class_is_an_error_that_names_type_version_and_position(store, monkeypatch):
    [recorded] = append([Booked("ada", 5)], using=store.using)
    without_class(monkeypatch)
    with pytest.raises(UnknownEventType) as refused:
        list(read(Query.all(), using=store.using))
    error = refused.value
    assert (error.type, error.version, error.position) == ("tests.dispatch.Booked", 1, recorded.position)


@on_databases()
@pytest.mark.parametrize("allowed", [True, ["tests.dispatch.Booked"], {"tests.dispatch.Booked"}], ids=repr)
def test_it_is_read_as_an_unregistered_event_where_the_setting_allows_it(
    store, allowed, monkeypatch, settings
):
    append([Booked("ada", 5)], using=store.using)
    without_class(monkeypatch)
    settings.FACTOS_API_UNREGISTERED_TYPES = allowed
    data = {"account": "ada", "amount": 5}
    assert texts(store) == [UnregisteredEvent("tests.dispatch.Booked", 1, data)]


@on_databases("default")
@pytest.mark.parametrize("allowed", [False, [], ["tests.dispatch.Other"]], ids=repr)
def test_it_stays_an_error_where_the_setting_does_not_name_it(store, allowed, monkeypatch, settings):
    append([Booked("ada", 5)], using=store.using)
    without_class(monkeypatch)
    settings.FACTOS_API_UNREGISTERED_TYPES = allowed
    with pytest.raises(UnknownEventType):
        texts(store)


@on_databases()
def test_events_before_the_one_that_cannot_be_read_are_read(store, monkeypatch):
    append([Booked("ada", 5)], using=store.using)
    [second] = append([Booked("ada", 6)], using=store.using)
    kind = EVENT_TYPES.of(Booked)
    decode = kind.decode

    def without_six(version: int, text: str, *, position: int | None = None) -> Any:
        return decode(version, text.replace("6", '"six"'), position=position)

    monkeypatch.setattr(kind, "decode", without_six)
    monkeypatch.setattr(kind.codec, "read", without_six)  # the short way, which then asks the long one
    events = read(Query.all(), using=store.using)
    assert next(events).event == Booked("ada", 5)
    with pytest.raises(DecodeError, match=r"\$\.amount") as refused:
        next(events)
    assert refused.value.position == second.position
    with pytest.raises(DecodeError):
        book(store, 1)


@on_databases()
def test_a_version_of_newer_code_is_a_decode_error_with_its_position(store, monkeypatch):
    kind = EVENT_TYPES.of(Booked)
    monkeypatch.setattr(kind, "version", 2)
    [recorded] = append([Booked("ada", 5)], using=store.using)
    monkeypatch.setattr(kind, "version", 1)
    with pytest.raises(DecodeError, match="newer code wrote it") as refused:
        texts(store)
    assert (refused.value.version, refused.value.position) == (2, recorded.position)


# Repetitions


@on_databases()
def test_a_decision_that_gives_ids_is_recorded_once_and_its_key_is_kept(store):
    id = uuid4()
    proposing: Decider[Book, int, Any] = Decider(
        initial=0,
        decide=lambda _balance, command: [Proposed(Booked(command.account, 1), id=id)],
        evolve=lambda balance, _event: balance + 1,
    )

    def once(key: str) -> Any:
        return dispatch(
            Book("ada", ()), decider=proposing, query=bookings, idempotency_key=key, using=store.using
        )

    first, second, third = once("a"), once("b"), once("b")
    assert first.events == second.events == third.events
    assert len(texts(store)) == 1
    assert (third.context, third.attempts) == (None, 0)


@on_databases()
def test_a_repetition_in_another_order_returns_what_the_first_recorded_in_its_order(store):
    proposals = [Proposed(Booked("ada", amount), id=uuid4()) for amount in (1, 2)]
    first = append(proposals, using=store.using)
    assert append(proposals[::-1], using=store.using) == first


@on_databases()
def test_a_tag_or_key_may_be_a_string_of_a_class_of_its_own(store):
    class Text(str):
        __slots__ = ()

    tag, key = Text("vip"), Text("k")
    first = append([Proposed(Booked("ada", 1), tags=(tag,))], idempotency_key=key, using=store.using)
    again = append([Proposed(Booked("ada", 1), tags=("vip",))], idempotency_key="k", using=store.using)
    assert first == again
    assert len(list(read(Query.of(QueryItem(tags=[tag])), using=store.using))) == 1


@on_databases()
def test_a_tag_may_be_the_member_of_a_string_enumeration(store):
    from django.db.models import TextChoices

    class Subject(TextChoices):
        VIP = "vip", "Very important"

    append([Proposed(Booked("ada", 1), tags=(Subject.VIP,))], metadata={"s": Subject.VIP}, using=store.using)
    for tag in ("vip", Subject.VIP):
        [found] = read(Query.of(QueryItem(tags=[tag])), using=store.using)
        assert (found.tags, found.metadata) == (("account:ada", "vip"), {"s": "vip"})


@on_databases()
def test_ids_are_uuids_again_when_read(store):
    [recorded] = append([Proposed(Booked("ada", 1), id=UUID(int=7))], using=store.using)
    [found] = read(Query.all(), using=store.using)
    assert recorded.id == found.id == UUID(int=7)
