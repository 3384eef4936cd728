"""A1, A2: many processes that read the same, or different things, and append at once."""

import multiprocessing
from collections import Counter

import pytest

from factos_django import AppendConditionFailed
from factos_django.dispatch import dispatch
from factos_django.store import append, read_context
from tests.faults.actors import PATIENCE, actors, counted
from tests.faults.facts import Full, about, new, seating
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def append_what_was_read(room, barrier, using):
    context = read_context(about(room), seating, using=using)
    barrier.wait(PATIENCE)  # now everybody has read, and nobody has appended
    try:
        append(new(room), condition=context.append_condition, using=using)
    except AppendConditionFailed:
        return "refused"
    return "accepted"


def dispatch_at_once(room, barrier, using):
    barrier.wait(PATIENCE)
    try:
        dispatch(room, decider=seating, query=about, using=using)
    except Full:
        return "refused"
    return "accepted"


def race(step, rooms_of, using):
    """Let a process for each list of rooms run ``step`` for its rooms, all in step; return the answers."""
    barrier = multiprocessing.get_context("fork").Barrier(len(rooms_of))

    def compete(rooms):
        return lambda pipe: pipe.send([step(room, barrier, using) for room in rooms])

    with actors(*(compete(rooms) for rooms in rooms_of)) as racers:
        return [racer.hear() for racer in racers]


@pytest.mark.parametrize(("processes", "rounds"), [(2, 10), (16, 4)])
@on_databases()
def test_of_those_who_read_the_same_context_exactly_one_appends(store, processes, rounds):
    rooms = [f"room-{number}" for number in range(rounds)]
    for room in rooms[::2]:
        append(new(room), using=store.using)  # half of the contexts hold something, half are new
    answers = race(append_what_was_read, [rooms] * processes, store.using)
    for answer in zip(*answers, strict=True):
        assert Counter(answer) == {"accepted": 1, "refused": processes - 1}
    assert counted(store.using)["events"] == rounds + len(rooms[::2])


@on_databases()
def test_of_those_who_dispatch_for_the_last_seat_exactly_one_gets_it(store):
    rooms = [f"room-{number}" for number in range(5)]
    answers = race(dispatch_at_once, [rooms] * 8, store.using)
    for answer in zip(*answers, strict=True):
        assert Counter(answer) == {"accepted": 1, "refused": 7}
    assert counted(store.using)["events"] == 5


@pytest.mark.parametrize("step", [append_what_was_read, dispatch_at_once])
@on_databases()
def test_of_those_whose_contexts_differ_nobody_is_refused(store, step):
    rooms_of = [[f"room-{process}-{number}" for number in range(5)] for process in range(8)]
    answers = race(step, rooms_of, store.using)
    assert answers == [["accepted"] * 5] * 8
    assert counted(store.using)["events"] == 40
