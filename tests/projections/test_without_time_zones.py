"""A project without time zones (USE_TZ=False): what is known of projections is told in UTC all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import override_settings

from factos_django.models import ProjectionState
from factos_django.projections import Standing, catch_up
from factos_django.projections.failures import Failure
from factos_django.projections.parking import park
from factos_django.projections.rebuilding import check, rebuild
from factos_django.projections.rebuilding.runs import begin
from factos_django.projections.states import lease, put_off, resume, stop
from factos_django.status import status
from factos_django.workers.leases import database_now, this_worker
from tests.ledger.factos import balances
from tests.projections.ledgers import BALANCES, deposit, state
from tests.stores import Store, on_databases


@pytest.fixture(autouse=True)
def without_time_zones(store: Store) -> Iterator[None]:
    def anew() -> None:
        connections[store.using].close()
        for attribute in ("timezone", "timezone_name"):
            vars(connections[store.using]).pop(attribute, None)

    with override_settings(USE_TZ=False, TIME_ZONE="America/Chicago"):
        anew()
        yield
    anew()


@on_databases()
def test_followers_rebuilds_and_checks_go_on(store: Store) -> None:
    deposit(store.using, 2)
    (done,) = catch_up(BALANCES, using=store.using)
    assert (done.events, done.standing) == (2, Standing.CAUGHT_UP)
    assert rebuild(BALANCES, using=store.using).is_right
    assert check("ledger.balances", using=store.using).is_right


@on_databases()
def test_a_lease_of_somebody_else_is_heeded_until_it_ends(store: Store) -> None:
    deposit(store.using)
    catch_up(BALANCES, using=store.using)
    assert lease(BALANCES, store.using) is not None
    ProjectionState.objects.using(store.using).filter(pk=BALANCES).update(worker="elsewhere:1:ab")
    assert lease(BALANCES, store.using) is None
    until = state(BALANCES, store.using).leased_until
    assert until is not None
    assert until.utcoffset() == timedelta(0)
    assert timedelta(0) < until - database_now(store.using) <= timedelta(seconds=60)


@on_databases()
def test_status_tells_lags_failures_and_rebuilds(store: Store) -> None:
    using = store.using
    deposit(using)
    catch_up(BALANCES, using=using)
    deposit(using)
    held = lease(BALANCES, using)
    assert held is not None
    failure = Failure(1, None, "ValueError: no", "")
    put_off(held, failure)
    park(BALANCES, failure, using)
    begin(BALANCES, using, checks=True)
    (told,) = (each for each in status(using).projections if each.name == BALANCES)
    assert told.lag is not None
    assert (told.lag.events, told.parked) == (1, 1)
    assert 0 <= told.lag.seconds < 60
    assert told.last_error is not None
    assert told.last_error.since.tzinfo is UTC
    assert told.run is not None
    assert told.run.worker == this_worker()
    assert resume(BALANCES, using)


@on_databases()
def test_an_inline_projection_stops_and_the_fact_is_recorded(store: Store) -> None:
    stop(balances, Failure(1, None, "ValueError: no", ""), store.using)
    moment: Any = state("ledger.balances", store.using).failed_at
    assert abs(database_now(store.using) - moment) < timedelta(seconds=60)
