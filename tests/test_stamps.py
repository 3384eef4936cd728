"""Stamps: metadata that every append inside a block carries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from factos_django import Decider, InvalidMetadata, Proposed, Query, QueryItem
from factos_django.dispatch import dispatch, stamp
from factos_django.stamps import current_stamps
from factos_django.store import append
from factos_django.testing.contract import Counted


def stored(*events: Any, **options: Any) -> dict[str, Any]:
    """The metadata that an append records with its first event."""
    return dict(append(events or [Counted(1)], **options)[0].metadata)


@pytest.mark.django_db
def test_every_append_inside_the_block_carries_the_stamps() -> None:
    with stamp(actor="renata", operation_id="r-1"):
        assert stored() == stored() == {"actor": "renata", "operation_id": "r-1"}
    assert stored() == {}


@pytest.mark.django_db
def test_what_dispatch_decides_carries_the_stamps() -> None:
    counting: Decider[int, int, Counted] = Decider(
        initial=0, decide=lambda _, number: [Counted(number)], evolve=lambda count, _: count + 1
    )
    with stamp(actor="renata"):
        done = dispatch(7, decider=counting, query=Query.of(QueryItem(types=[Counted])))
    assert done.events[0].metadata == {"actor": "renata"}


@pytest.mark.django_db
def test_an_inner_block_goes_over_the_outer_and_ends_with_it() -> None:
    with stamp(actor="renata", source_context="web"):
        with stamp(actor="ada"):
            assert stored() == {"actor": "ada", "source_context": "web"}
        assert stored() == {"actor": "renata", "source_context": "web"}


@pytest.mark.django_db
def test_the_append_goes_over_the_stamps_and_the_event_over_both() -> None:
    with stamp(a=1, b=1, c=1):
        event = Proposed(Counted(1), metadata={"c": 3})
        assert stored(event, metadata={"b": 2, "c": 2}) == {"a": 1, "b": 2, "c": 3}


def test_a_block_that_fails_takes_its_stamps_with_it() -> None:
    with pytest.raises(RuntimeError), stamp(actor="renata"):
        raise RuntimeError
    assert current_stamps() == {}


def test_a_stamp_of_none_is_left_out_also_one_of_an_outer_block() -> None:
    with stamp(actor="renata", causation_id=None):
        assert current_stamps() == {"actor": "renata"}
        with stamp(actor=None):
            assert current_stamps() == {}


@pytest.mark.django_db
def test_a_function_gives_its_stamp_at_each_append_and_not_before() -> None:
    asked: list[int] = []

    def count() -> int:
        asked.append(len(asked) + 1)
        return asked[-1]

    with stamp(number=count):
        assert asked == []
        assert [stored(Counted(1), Counted(2))["number"], stored()["number"]] == [1, 2]
    assert asked == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_function_is_asked_before_the_append_has_opened_its_transaction() -> None:
    inside: list[bool] = []

    def ask() -> str:
        inside.append(connection.in_atomic_block)
        return "renata"

    counting: Decider[int, int, Counted] = Decider(
        initial=0, decide=lambda _, number: [Counted(number)], evolve=lambda count, _: count + 1
    )
    with stamp(actor=ask):
        append([Counted(1)])
        dispatch(1, decider=counting, query=Query.of(QueryItem(types=[Counted])))
    assert inside == [False, False]


BAD: list[Any] = [1j, ["a"], {"a": 1}, "\x00", "\ud800", b"a"]


@pytest.mark.parametrize("value", BAD, ids=ascii)
def test_a_value_that_cannot_be_stored_is_refused_where_it_is_given(value: Any) -> None:
    with pytest.raises(InvalidMetadata), stamp(actor=value):
        pytest.fail("the block ran")
    assert current_stamps() == {}


@pytest.mark.django_db
@pytest.mark.parametrize("value", BAD, ids=ascii)
def test_a_function_that_gives_such_a_value_fails_the_append(value: Any) -> None:
    with stamp(actor=lambda: value), pytest.raises(InvalidMetadata):
        append([Counted(1)])


def test_the_idempotency_key_is_no_stamp() -> None:
    with pytest.raises(InvalidMetadata, match="idempotency_key="), stamp(idempotency_key="k"):
        pytest.fail("the block ran")


def test_another_thread_has_stamps_of_its_own() -> None:
    def in_thread(function: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(function).result()

    def stamped() -> dict[str, Any]:
        with stamp(actor="ada"):
            return current_stamps()

    with stamp(actor="renata"):
        assert in_thread(current_stamps) == {}
        assert in_thread(stamped) == {"actor": "ada"}
        assert current_stamps() == {"actor": "renata"}


def test_asyncio_tasks_do_not_see_each_others_stamps() -> None:
    async def stamped(actor: str) -> dict[str, Any]:
        with stamp(actor=actor):
            await asyncio.sleep(0.01)
            return current_stamps()

    async def all_of_them() -> list[dict[str, Any]]:
        with stamp(source_context="web"):
            return await asyncio.gather(*(stamped(name) for name in ("renata", "ada")))

    assert asyncio.run(all_of_them()) == [
        {"source_context": "web", "actor": "renata"},
        {"source_context": "web", "actor": "ada"},
    ]
