"""``wait_for``: it returns once a fact is in the rows, and says why not."""

import threading

import pytest
from django.db import connections, transaction

from factos_django import (
    InsideTransaction,
    InvalidPosition,
    InvalidTimeout,
    ProjectionBehind,
    ProjectionStopped,
    UnknownProjection,
)
from factos_django.models import ProjectionState
from factos_django.projections import catch_up, wait_for
from factos_django.store import append
from tests.ledger.domain import Deposited
from tests.projections.ledgers import BALANCES, balances_in, deposit, failing_at, in_place
from tests.stores import on_databases


@on_databases()
def test_it_returns_when_a_follower_has_come_to_the_position(store):
    (position,) = deposit(store.using)

    def follow_later():
        with pytest.raises(ProjectionBehind):
            wait_for(BALANCES, position, 0.05, using=store.using)
        catch_up(BALANCES, using=store.using)
        connections.close_all()

    follower = threading.Thread(target=follow_later)
    follower.start()
    wait_for(BALANCES, position, 60, using=store.using)
    assert balances_in(store.using)["a"][0] == 1
    follower.join()


@on_databases()
def test_it_says_where_the_projection_stands_when_time_is_over(store):
    first, second = deposit(store.using), deposit(store.using)
    ProjectionState.objects.using(store.using).update(position=first[0])
    with pytest.raises(ProjectionBehind) as caught:
        wait_for(BALANCES, second[0], 0, using=store.using)
    error = caught.value
    assert (error.name, error.reached, error.position, error.seconds) == (BALANCES, first[0], second[0], 0)
    ProjectionState.objects.using(store.using).all().delete()  # as a flush does
    with pytest.raises(ProjectionBehind):
        wait_for(BALANCES, first[0], 0.01, using=store.using)


@on_databases()
def test_a_projection_that_stopped_before_the_position_is_not_waited_for(store):
    good, bad = deposit(store.using)[0], deposit(store.using, account="bad")[0]

    def raises(recorded):
        if recorded.event.account == "bad":
            raise LookupError("bad")

    with in_place(failing_at(raises)):
        catch_up(BALANCES, using=store.using)
    with pytest.raises(ProjectionStopped) as caught:
        wait_for(BALANCES, bad, 60, using=store.using)
    assert (caught.value.position, caught.value.error) == (bad, "LookupError: bad")
    wait_for(BALANCES, good, 0, using=store.using)  # that one it has applied


@on_databases()
def test_an_inline_projection_is_not_waited_for_even_in_the_transaction_that_appended(store):
    with transaction.atomic(using=store.using):
        (recorded,) = append([Deposited("a", 1)], using=store.using)
        wait_for("ledger.balances", recorded.position, 0, using=store.using)
    ProjectionState.objects.using(store.using).update(condition="stopped", error="why", failed_position=1)
    with pytest.raises(ProjectionStopped, match="why"):
        wait_for("ledger.balances", recorded.position, 0, using=store.using)


@on_databases()
def test_it_refuses_in_the_transaction_that_appended_which_would_wait_for_itself(store):
    with transaction.atomic(using=store.using):
        (recorded,) = append([Deposited("a", 1)], using=store.using)
        with pytest.raises(InsideTransaction, match="wait_for"):
            wait_for(BALANCES, recorded.position, 60, using=store.using)
    with transaction.atomic(using=store.using), pytest.raises(ProjectionBehind):  # another transaction
        wait_for(BALANCES, recorded.position, 0, using=store.using)


@pytest.mark.parametrize(
    ("name", "position", "timeout", "error"),
    [
        (BALANCES, -1, 1, InvalidPosition),
        (BALANCES, True, 1, InvalidPosition),
        (BALANCES, "1", 1, InvalidPosition),
        (BALANCES, 1, -1, InvalidTimeout),
        (BALANCES, 1, None, InvalidTimeout),
        (BALANCES, 1, float("inf"), InvalidTimeout),
        (BALANCES, 1, float("nan"), InvalidTimeout),
        (BALANCES, 1, True, InvalidTimeout),
        ("ledger.balance", 1, 1, UnknownProjection),
    ],
)
def test_what_is_no_projection_position_or_timeout_is_refused(name, position, timeout, error):
    with pytest.raises(error):
        wait_for(name, position, timeout)


@on_databases()
def test_what_was_applied_in_the_open_transaction_is_not_waited_for(store):
    with transaction.atomic(using=store.using):  # as a TestCase has one
        (recorded,) = append([Deposited("a", 1)], using=store.using)
        with pytest.raises(InsideTransaction):
            wait_for(BALANCES, recorded.position, 60, using=store.using)
        catch_up(BALANCES, using=store.using)
        wait_for(BALANCES, recorded.position, 0, using=store.using)
