"""A1, A2: many processes that read the same, or different things, and append at once."""

from collections import Counter

import pytest

from factos_django.store import append
from tests.faults.actors import counted
from tests.faults.facts import new
from tests.faults.races import append_what_was_read, dispatch_at_once, race
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


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
