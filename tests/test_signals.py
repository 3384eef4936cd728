"""Signals of the store: who is told of what, and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, transaction

from factos_django import (
    AppendCondition,
    AppendConditionFailed,
    Decider,
    EventIdReused,
    FactosError,
    IdempotencyKeyReused,
    Proposed,
    Query,
    QueryItem,
)
from factos_django.dispatch import dispatch
from factos_django.signals import append_rejected
from factos_django.store import append, head
from tests.guards.sessions import Session
from tests.ledger.domain import Closed
from tests.stores import Store, on_databases

CONTEXT = Query.of(QueryItem(types=[Closed], tags=["account:a"]))
CLOSING: Decider[str, int, Closed] = Decider(
    initial=0, decide=lambda _, command: [Closed(command)], evolve=lambda count, _: count + 1
)


@pytest.fixture
def told() -> Iterator[list[tuple[Any, str, bool]]]:
    """What receivers are told: the error, the database, and whether a transaction was open then."""
    heard: list[tuple[Any, str, bool]] = []

    def hear(error: Any, using: str, **_: Any) -> None:
        heard.append((error, using, connections[using].in_atomic_block))

    append_rejected.connect(hear)
    yield heard
    append_rejected.disconnect(hear)


def refused(expected: type[FactosError], store: Store, *events: Any, **options: Any) -> FactosError:
    with pytest.raises(expected) as error:
        append(events, using=store.using, **options)
    return error.value


@on_databases()
def test_a_rejection_is_told_once_and_what_is_recorded_is_not(store: Store, told: list[Any]) -> None:
    append([Closed("a")], condition=AppendCondition(CONTEXT), using=store.using)
    assert told == []
    error = refused(AppendConditionFailed, store, Closed("a"), condition=AppendCondition(CONTEXT))
    assert told == [(error, store.using, False)]


@on_databases()
def test_a_key_or_an_id_that_stands_for_something_else_is_told(store: Store, told: list[Any]) -> None:
    id = uuid4()
    append([Closed("a")], idempotency_key="k", using=store.using)
    append([Proposed(Closed("a"), id=id)], using=store.using)
    append([Closed("a")], idempotency_key="k", using=store.using)  # a repetition is no refusal
    errors = [
        refused(IdempotencyKeyReused, store, Closed("b"), idempotency_key="k"),
        refused(EventIdReused, store, Proposed(Closed("b"), id=id)),
    ]
    dispatch("a", decider=CLOSING, query=CONTEXT, idempotency_key="d", using=store.using)
    with pytest.raises(IdempotencyKeyReused) as error:
        dispatch("b", decider=CLOSING, query=CONTEXT, idempotency_key="d", using=store.using)
    assert [each for each, _, _ in told] == [*errors, error.value]


@on_databases()
def test_a_receiver_is_called_when_the_guards_are_given_up(store: Store) -> None:
    other = Session(store.using, "other")

    def append_elsewhere(**_: Any) -> None:
        other.run(append, [Closed("a")], using=store.using)  # would wait for a guard that is still held

    append([Closed("a")], using=store.using)
    before = head(store.using)
    append_rejected.connect(append_elsewhere)
    try:
        refused(AppendConditionFailed, store, Closed("a"), condition=AppendCondition(CONTEXT))
    finally:
        append_rejected.disconnect(append_elsewhere)
        other.close()
    assert head(store.using) > before


@on_databases()
def test_in_the_transaction_of_the_caller_it_is_told_inside_of_that(store: Store, told: list[Any]) -> None:
    with transaction.atomic(using=store.using):
        append([Closed("a")], using=store.using)
        error = refused(AppendConditionFailed, store, Closed("a"), condition=AppendCondition(CONTEXT))
        assert told == [(error, store.using, True)]
    assert len(told) == 1


@on_databases("default")
def test_a_receiver_that_fails_changes_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fail(**_: Any) -> None:
        raise OSError("the pager is broken")

    append([Closed("a")], using=store.using)
    append_rejected.connect(fail)
    try:
        refused(AppendConditionFailed, store, Closed("a"), condition=AppendCondition(CONTEXT))
    finally:
        append_rejected.disconnect(fail)
    assert "the pager is broken" in caplog.text
