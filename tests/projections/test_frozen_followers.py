"""C4: a worker that is frozen past its lease is replaced, and writes nothing when it wakes up."""

import pytest

from factos_django.models import ProjectionState
from factos_django.projections import Standing, catch_up, following
from factos_django.projections.declaration import Projection
from factos_django.projections.following import Outcome, follow
from factos_django.projections.rows import Table
from tests.faults.actors import actor
from tests.guards.sessions import until
from tests.ledger.factos import followed_balances, followed_entries
from tests.projections.ledgers import BALANCES, assert_rows_are_those_of_the_log, deposit, some_history, state
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

#: FACTOS_FOLLOW_LEASE_SECONDS.
LEASE = 1


@pytest.fixture(autouse=True)
def short_leases(settings):
    settings.FACTOS_FOLLOW_LEASE_SECONDS = LEASE


def pausing(pipe, target, name, *, after):
    """Let the process say that it is there, and wait to be told to go on, where ``name`` is called."""
    function = getattr(target, name)

    def replacement(*args, **kwargs):
        result = function(*args, **kwargs) if after else None
        setattr(target, name, function)
        pipe.send("here")
        pipe.recv()
        return result if after else function(*args, **kwargs)

    setattr(target, name, replacement)


def follow_and_tell(pipe, projection: Projection, using):
    turn = follow(projection, using)
    pipe.send((turn.outcome, turn.events))


def replaced(using, name=BALANCES):
    """Let another worker catch up as soon as it may."""
    until(lambda: catch_up(name, using=using)[0].standing is Standing.CAUGHT_UP, "another worker catching up")


@pytest.mark.parametrize("later", [0, 2])
@on_databases()
def test_one_that_is_frozen_before_it_writes_is_replaced_and_writes_nothing(store, later):
    def work(pipe):
        pausing(pipe, following, "batch_transaction", after=False)
        follow_and_tell(pipe, followed_balances, store.using)

    some_history(store.using)
    catch_up(using=store.using)
    deposit(store.using, 3)
    with actor(work) as worker:
        assert worker.hear() == "here"  # it has read the facts, and folded them
        worker.freeze()
        replaced(store.using)
        deposit(store.using, later)
        catch_up(using=store.using)
        before = rows_of_states(store.using)
        worker.tell("go on")
        worker.thaw()
        assert worker.hear() == (Outcome.LOST, 0)
    assert rows_of_states(store.using) == before
    assert_rows_are_those_of_the_log(store.using)


def rows_of_states(using):
    return list(ProjectionState.objects.using(using).order_by("name").values())


@pytest.mark.parametrize("projection", [followed_balances, followed_entries], ids=lambda each: each.name)
@on_databases("postgres", "mariadb")
def test_the_server_ends_the_transaction_of_one_that_is_frozen_while_it_writes(store, projection):
    def work(pipe):
        pausing(pipe, following, "move", after=True)
        follow_and_tell(pipe, projection, store.using)

    some_history(store.using)
    with actor(work) as worker:
        assert worker.hear() == "here"  # it holds the row of its state
        worker.freeze()
        replaced(store.using, projection.name)
        worker.tell("go on")
        worker.thaw()
        outcome, events = worker.hear()
    assert (outcome, events) == (Outcome.PUT_OFF, 0)
    assert state(projection.name, store.using).error == ""  # what it was told is of no concern any more
    catch_up(using=store.using)
    assert_rows_are_those_of_the_log(store.using)


@on_databases("default")
def test_on_sqlite_writers_wait_for_one_that_is_frozen_while_it_writes_until_it_is_killed(store, settings):
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 1

    def work(pipe):
        pausing(pipe, Table, "store", after=True)
        follow_and_tell(pipe, followed_balances, store.using)

    some_history(store.using)
    with actor(work) as worker:
        assert worker.hear() == "here"
        worker.freeze()
        worker.kill()
    assert state(BALANCES, store.using).position == 0
    catch_up(using=store.using)
    assert_rows_are_those_of_the_log(store.using)
