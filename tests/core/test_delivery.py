"""Waits between attempts, the key at the far end, and what a delivery tells."""

from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factos_django import Backoff, Deliver, Delivery, Fatal, InvalidDelivery, RetryLater
from factos_django.core.delivery import effect_key, is_wait
from factos_django.core.metadata import KEY_MAX_LENGTH

EVENT, OTHER = UUID(int=1), UUID(int=2)
NO_WAITS = [True, "1", None, -1, -0.001, float("nan"), float("inf"), 1e300, 10**400, 1j]

backoffs = st.builds(
    Backoff,
    first=st.floats(0, 1e6),
    factor=st.floats(1, 1e6),
    limit=st.floats(0, 1e6),
    jitter=st.floats(0, 1),
)


@given(backoffs, st.integers(1, 2**31), st.floats(0, 1))
def test_a_wait_is_within_its_jitter_of_the_longest_and_over_no_limit(backoff, attempt, chance):
    longest, wait = backoff.seconds(attempt, 0), backoff.seconds(attempt, chance)
    assert 0 <= wait <= longest <= backoff.limit
    assert wait >= longest * (1 - backoff.jitter) - 1e-6
    assert is_wait(backoff.seconds(attempt))


@given(backoffs, st.integers(1, 50))
def test_waits_grow_by_the_factor_up_to_the_limit(backoff, attempts):
    waits = [backoff.seconds(attempt, 0) for attempt in range(1, attempts + 2)]
    assert waits[0] == min(backoff.first, backoff.limit)
    for shorter, longer in pairwise(waits):
        assert longer == pytest.approx(min(shorter * backoff.factor, backoff.limit))


def test_the_usual_waits_double_up_to_an_hour_and_half_of_each_is_random():
    usual = Backoff()
    assert [usual.seconds(attempt, 0) for attempt in (1, 2, 3, 12, 13, 10_000)] == [2, 4, 8, 3600, 3600, 3600]
    assert usual.seconds(3, 1) == 4
    drawn = {usual.seconds(3) for _ in range(200)}
    assert len(drawn) > 100
    assert all(4 <= each <= 8 for each in drawn)


def test_without_jitter_nothing_is_random():
    assert {Backoff(jitter=0).seconds(2) for _ in range(20)} == {4}


@pytest.mark.parametrize("field", ["first", "factor", "limit", "jitter"])
@pytest.mark.parametrize("wrong", [True, "1", None, -1, float("nan"), float("inf")])
def test_a_backoff_that_cannot_be_is_refused_with_its_field(field, wrong):
    values: dict[str, Any] = {field: wrong}
    with pytest.raises(InvalidDelivery, match=field):
        Backoff(**values)


@pytest.mark.parametrize(
    ("field", "wrong"), [("factor", 0.9), ("jitter", 1.1), ("first", 1e10), ("limit", 1e10)]
)
def test_a_backoff_has_limits(field, wrong):
    with pytest.raises(InvalidDelivery, match=field):
        Backoff(**{field: wrong})


@pytest.mark.parametrize("wrong", NO_WAITS, ids=repr)
def test_what_cannot_be_waited_for_is_refused_everywhere(wrong):
    assert not is_wait(wrong)
    with pytest.raises(InvalidDelivery):
        RetryLater(wrong)
    with pytest.raises(InvalidDelivery):
        Deliver("effect", delay=wrong)


def test_what_steers_an_attempt_says_so():
    assert str(RetryLater(90)) == "to be tried again in 90 s"
    assert str(RetryLater(1.5, "busy")) == "busy"
    assert (RetryLater(1, "busy").seconds, RetryLater(1, "busy").reason) == (1.0, "busy")
    again = pickle.loads(pickle.dumps(RetryLater(1.5, "busy")))
    assert (again.seconds, again.reason) == (1.5, "busy")
    assert str(Fatal("no such address")) == "no such address"


def test_a_key_at_the_far_end_is_a_uuid_of_all_that_tells_an_effect_apart():
    key = effect_key("reactor", EVENT, "effect", "0")
    assert UUID(key).version == 5
    assert len(key) == 36
    assert key == effect_key("reactor", EVENT, "effect", "0")
    others = {
        effect_key("reactor", OTHER, "effect", "0"),
        effect_key("other", EVENT, "effect", "0"),
        effect_key("reactor", EVENT, "other", "0"),
        effect_key("reactor", EVENT, "effect", "1"),
        effect_key("reactoreffect", EVENT, "", "0"),
        effect_key("reactor", EVENT, "effect", "\n0"),
    }
    assert len(others | {key}) == 7


def test_the_key_is_for_ever():
    """Whoever keeps them at the far end would take an effect for a new one."""
    assert (
        effect_key("parcels.notify", EVENT, "parcels.Notify", "0") == "d3709e0d-9578-5ccf-b762-c926a6612911"
    )


NAMES = st.from_regex(r"[A-Za-z0-9._:-]{1,100}", fullmatch=True)
WHOLE = st.tuples(
    NAMES, st.uuids(), NAMES, st.text(st.characters(codec="utf-8"), min_size=1, max_size=KEY_MAX_LENGTH)
)


@given(WHOLE, WHOLE)
def test_two_effects_have_one_key_only_if_they_are_one(one, other):
    assert (effect_key(*one) == effect_key(*other)) is (one == other)


def test_a_delivery_can_be_made_in_a_test_of_a_handler_and_hashed():
    delivery = Delivery(key="k", metadata={"actor": "7"})
    assert (delivery.attempt, delivery.position, delivery.using) == (1, 0, "default")
    assert {delivery, Delivery(key="k", metadata={"actor": "7"})} == {delivery}
