"""C2: wherever a worker is killed, rows and checkpoint are those of the same fact, and another goes on."""

import signal
from unittest import mock

import pytest
from django.db import connections

from factos_django.projections import catch_up, following
from factos_django.projections.handler import Handler
from factos_django.projections.keyed import KeyedRows
from factos_django.registry import PROJECTIONS
from factos_django.store import read
from tests.faults.actors import actor, die
from tests.projections.ledgers import (
    BALANCES,
    ENTRIES,
    TURNOVERS,
    assert_rows_are_those_of_the_log,
    assert_rows_of,
    some_history,
    state,
)
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

BATCH = 4


def dying_after(function, calls):
    """Let the process die after so many calls of ``function``."""

    def replacement(*args, **kwargs):
        nonlocal calls
        result = function(*args, **kwargs)
        calls -= 1
        if calls == 0:
            die()
        return result

    return replacement


def patched_to_die(target, name, calls):
    return mock.patch.object(target, name, dying_after(getattr(target, name), calls))


def failpoint(point, using):
    """Kill the process at this point of its second batch."""
    match point:
        case "batch read":
            return patched_to_die(following, "select_matching", 2)
        case "checkpoint written":
            return patched_to_die(following, "move", 2)
        case "rows written":
            return patched_to_die(KeyedRows, "write", 2)
        case "rows of a handler written":
            return patched_to_die(Handler, "write", 2)
        case "before commit":
            moves = []
            move = following.move

            def moved(*arguments):
                moves.append(move(*arguments))
                if len(moves) == 2:
                    connections[using].commit = die
                return moves[-1]

            return mock.patch.object(following, "move", moved)
        case "after commit":
            return patched_to_die(following, "_apply", 2)


def dies(point, name, using):
    def work(pipe):
        with failpoint(point, using):
            catch_up(name, using=using)
        pipe.send("it lives")

    with actor(work) as worker:
        with pytest.raises(EOFError):
            worker.hear()
        assert worker.end() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("point", "name", "batches"),
    [
        ("batch read", BALANCES, 1),
        ("checkpoint written", BALANCES, 1),
        ("rows written", BALANCES, 1),
        ("before commit", BALANCES, 1),
        ("after commit", BALANCES, 2),
        ("checkpoint written", ENTRIES, 1),
        ("rows of a handler written", ENTRIES, 1),
        ("before commit", ENTRIES, 1),
        ("rows written", TURNOVERS, 1),
    ],
)
@on_databases()
def test_a_worker_that_is_killed_leaves_whole_batches_and_the_next_one_goes_on(
    store, settings, point, name, batches
):
    settings.FACTOS_FOLLOW_BATCH = BATCH
    some_history(store.using)
    dies(point, name, store.using)
    theirs = [each.position for each in read(PROJECTIONS.named(name).query, using=store.using)]
    assert state(name, store.using).position == theirs[batches * BATCH - 1]
    assert_rows_of(name, store.using, upto=theirs[batches * BATCH - 1])
    settings.FACTOS_FOLLOW_LEASE_SECONDS = 100_000  # nobody waits for the lease of the dead
    catch_up(using=store.using)
    assert_rows_are_those_of_the_log(store.using)
