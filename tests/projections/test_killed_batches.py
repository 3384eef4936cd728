"""C2: a follower that is killed between rows and checkpoint leaves neither."""

import signal
from unittest import mock

import pytest

from factos_django.projections import catch_up, following
from factos_django.projections.following import follow
from factos_django.projections.rows import Table
from factos_django.projections.states import ensure_states
from tests.faults.actors import actor, die
from tests.ledger.factos import followed_balances
from tests.projections.ledgers import (
    BALANCES,
    assert_rows_are_those_of_the_log,
    balances_in,
    some_history,
    state,
)
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@on_databases()
@pytest.mark.parametrize("written", ["rows", "checkpoint"])
def test_a_follower_that_is_killed_in_its_batch_leaves_neither_rows_nor_checkpoint(store, written):
    target, name = {"rows": (Table, "store"), "checkpoint": (following, "move")}[written]
    function = getattr(target, name)

    def replacement(*args):
        function(*args)
        die()

    def work(pipe):
        with mock.patch.object(target, name, replacement):
            follow(followed_balances, store.using)

    ensure_states([followed_balances], store.using)
    some_history(store.using)
    with actor(work) as worker:
        assert worker.end() == -signal.SIGKILL
    assert (state(BALANCES, store.using).position, balances_in(store.using)) == (0, {})
    catch_up(using=store.using)
    assert_rows_are_those_of_the_log(store.using)
