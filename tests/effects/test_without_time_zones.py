"""A project without time zones (USE_TZ=False): what is known of effects is told in UTC all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest
from django.db import connections
from django.test.utils import override_settings

from factos_django import Backoff, Deliver
from factos_django.effects.delivering import Outcome, deliver
from factos_django.models import Effect
from factos_django.store import append
from factos_django.workers.leases import database_now
from tests.effects.makeshift import alone, handler_of, only
from tests.parcels.domain import Notify, ParcelSent
from tests.stores import Store, on_databases


@pytest.fixture(autouse=True, params=["no zones", "a zone of the database"])
def zones(request: pytest.FixtureRequest, store: Store) -> Iterator[None]:
    def anew() -> None:
        connections[store.using].close()
        for attribute in ("timezone", "timezone_name"):
            vars(connections[store.using]).pop(attribute, None)

    settings = connections[store.using].settings_dict
    before = settings["TIME_ZONE"]
    if request.param == "no zones":
        with override_settings(USE_TZ=False, TIME_ZONE="America/Chicago"):
            anew()
            yield
    else:
        settings["TIME_ZONE"] = "Asia/Kolkata"
        anew()
        yield
        settings["TIME_ZONE"] = before
    anew()


def fails(*_: object) -> None:
    raise OSError


@on_databases()
def test_moments_are_those_of_the_database_in_utc(store: Store) -> None:
    now = database_now(store.using)
    with alone(lambda recorded: [Deliver(Notify("p", "x"), delay=3600)]):
        append([ParcelSent("p1", "renata")], using=store.using)
    row = only(store.using)
    assert abs(row.created_at - now) < timedelta(seconds=60)
    assert row.available_at - row.created_at == timedelta(hours=1)
    assert row.available_at.utcoffset() == timedelta(0)
    assert row.created_at.tzinfo is UTC
    assert deliver(row.pk, handler_of(fails), store.using).outcome is Outcome.NOTHING


@on_databases()
def test_attempts_are_leased_fail_and_succeed(store: Store) -> None:
    append([ParcelSent("p1", "renata")], using=store.using)
    row, now = only(store.using), database_now(store.using)
    failing = handler_of(fails, backoff=Backoff(first=1000, jitter=0))
    assert deliver(row.pk, failing, store.using).outcome is Outcome.FAILED
    row.refresh_from_db()
    assert timedelta(seconds=990) < row.available_at - now < timedelta(seconds=1060)
    Effect.objects.using(store.using).update(available_at=now)
    held: list[Outcome] = []

    def hold(*_: object) -> None:
        Effect.objects.using(store.using).update(worker="elsewhere/1:1:ab")
        row.refresh_from_db()
        assert row.leased_until is not None
        assert timedelta(0) < row.leased_until - database_now(store.using) <= timedelta(seconds=300)
        held.append(deliver(row.pk, handler_of(fails), store.using).outcome)

    assert deliver(row.pk, handler_of(hold), store.using).outcome is Outcome.DELIVERED
    assert held == [Outcome.NOTHING]
    row.refresh_from_db()
    assert row.finished_at is not None
    assert abs(row.finished_at - now) < timedelta(seconds=60)
