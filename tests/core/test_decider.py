import dataclasses
from datetime import UTC, datetime
from uuid import UUID

import pytest

from factos_django import (
    AppendCondition,
    Context,
    Decider,
    DomainError,
    Query,
    QueryItem,
    Recorded,
    compute_events,
    compute_state,
    decide_context,
    evolve_recorded,
)


class Overdrawn(DomainError):
    """There is too little on the account."""

    balance: int


def decide(balance, amount):
    if balance + amount < 0:
        raise Overdrawn(balance=balance)
    return [amount] if amount else []


account = Decider(initial=0, decide=decide, evolve=lambda balance, amount: balance + amount)
QUERY = Query.of(QueryItem(tags=["account:1"]))


def recorded(event, position):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Recorded(event, position, UUID(int=position), "Booked", 1, ("account:1",), {}, moment)


def test_events_are_decided_from_the_folded_facts():
    assert compute_events(account, [5, 7], -12) == (-12,)
    assert compute_events(account, [5], 0) == ()
    assert compute_events(account, iter([1]), 2) == (2,)


def test_a_refusal_comes_out():
    with pytest.raises(Overdrawn) as refused:
        compute_events(account, [5], -6)
    assert refused.value.balance == 5


def test_the_state_after_a_command_begins_with_the_initial_state_or_a_given_one():
    assert compute_state(account, None, 3) == 3
    assert compute_state(account, 4, 3) == 7
    assert compute_state(account, 4, 0) == 4


def test_a_state_that_is_false_is_a_state():
    started = Decider(initial=10, decide=decide, evolve=lambda balance, amount: balance + amount)
    assert compute_state(started, 0, 3) == 3


def test_recorded_events_are_folded_bare():
    assert evolve_recorded(account, [recorded(5, 1), recorded(2, 9)]) == 7
    assert evolve_recorded(account, []) == 0


def test_a_context_decides_and_says_under_which_condition_to_append():
    context = Context(QUERY, 7, (recorded(7, 3),), 4)
    assert decide_context(context, -7, account) == (-7,)
    assert context.append_condition == AppendCondition(QUERY, after=4)


def test_decisions_may_be_any_sequence():
    for sequence in ([1], (1,)):
        decider = Decider(initial=0, decide=lambda _s, _c, s=sequence: s, evolve=lambda s, _e: s)
        assert compute_events(decider, [], "command") == (1,)


def test_a_decider_and_a_context_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        account.initial = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        Context(QUERY, 7, (), 4).state = 1
