"""An inline projection that fails: the facts are recorded, the others go on, and nothing partial is left."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from unittest import mock

import pytest
from django.db import OperationalError, connections

from factos_django import PositionNotDrawn, Query, QueryItem, RetryTransaction, View
from factos_django.models import ParkedEvent, ProjectionState
from factos_django.projections import projection, projection_handler
from factos_django.projections.keyed import KeyedRows
from factos_django.registry import PROJECTIONS
from factos_django.signals import projection_stopped
from factos_django.store import announcing, append, read
from factos_django.testing.contract import Noted
from tests.guards.sessions import under_tags
from tests.ledger.domain import LEDGER, Deposited, LedgerBalance, Transferred, accounts_of, balance
from tests.ledger.models import Balance, Entry, FollowedBalance, FollowedEntry
from tests.ledger.replay import balances_in, balances_replayed
from tests.stores import on_databases

TRANSFERS = Query.of(QueryItem(types=[Transferred]))
POISON = 666

#: What a deadlock looks like, told by the database itself.
DEADLOCKS = {
    "postgresql": "DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$",
    "mysql": "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213",
}

#: What a full disk looks like.
FULL_DISKS = {
    "postgresql": "DO $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = '53100'; END $$",
    "mysql": "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'the disk is full'",
}


class Poisoned(Exception):
    """The projection cannot fold this."""


def evolve_or_fail(state, recorded):
    if getattr(recorded.event, "amount", 0) == POISON:
        raise Poisoned
    return balance.evolve(state, recorded)


@contextmanager
def in_place_of(name, declare):
    """Let ``declare`` register the projection "ledger.tried" on the table of another one."""
    other = PROJECTIONS.named(name)
    PROJECTIONS.unregister(name)
    try:
        declare()
        yield
    finally:
        PROJECTIONS.unregister("ledger.tried")
        PROJECTIONS.register(other)


def tried_balances(on_error, keys=None, evolve=evolve_or_fail):
    def declare():
        projection(
            "ledger.tried",
            model=FollowedBalance,
            mode="inline",
            query=LEDGER,
            keys=keys or (lambda recorded: accounts_of(recorded.event)),
            start=LedgerBalance,
            view=View(LedgerBalance(""), evolve),
            on_error=on_error,
        )

    return in_place_of("ledger.followed_balances", declare)


def tried_entries(on_error, function):
    def declare():
        projection_handler(
            "ledger.tried", query=TRANSFERS, tables=[FollowedEntry], mode="inline", on_error=on_error
        )(function)

    return in_place_of("ledger.followed_entries", declare)


def state_of_tried(using):
    return ProjectionState.objects.using(using).filter(pk="ledger.tried").first()


def parked_by_tried(using):
    parked = ParkedEvent.objects.using(using).filter(projection="ledger.tried").order_by("position")
    return [(each.position, each.event, each.error) for each in parked]


def tried_rows(using):
    return {account: row[:2] for account, row in balances_in(using, FollowedBalance).items()}


def assert_others_went_on(using):
    assert balances_in(using) == balances_replayed(using) != {}
    entries = Entry.objects.using(using).order_by("position").values_list("position", flat=True)
    assert list(entries) == [each.position for each in read(TRANSFERS, using=using)]
    assert not ProjectionState.objects.using(using).filter(condition="stopped").exclude(pk="ledger.tried")


@on_databases()
def test_an_event_that_cannot_be_folded_is_recorded_and_stops_the_projection(store):
    told = []

    def hear(sender, **said):
        told.append(said)

    projection_stopped.connect(hear)
    with tried_balances("stop"):
        append([Deposited("x", 1), Deposited("y", 2)], using=store.using)
        batch = [Deposited("x", 4), Transferred("x", "y", POISON), Deposited("x", 8)]
        recorded = append(batch, using=store.using)
        append([Deposited("x", 16)], using=store.using)
    projection_stopped.disconnect(hear)
    assert tried_rows(store.using) == {"x": (5, 2), "y": (2, 1)}  # and not half of the transfer
    stopped = state_of_tried(store.using)
    assert stopped.condition == "stopped"
    assert (stopped.failed_position, stopped.failed_event) == (recorded[1].position, recorded[1].id)
    assert stopped.error.startswith("Poisoned")
    assert "evolve_or_fail" in stopped.traceback
    assert told == [
        {"signal": projection_stopped, "using": store.using, "name": "ledger.tried", "error": stopped.error}
    ]
    assert_others_went_on(store.using)


@on_databases()
def test_an_event_that_cannot_be_folded_is_parked_where_the_projection_asked_for_that(store):
    with tried_balances("park"):
        batch = [Deposited("x", 1), Transferred("x", "y", POISON), Deposited("x", 8)]
        recorded = append(batch, using=store.using)
        append([Deposited("y", 2)], using=store.using)
    assert tried_rows(store.using) == {"x": (9, 2), "y": (2, 1)}
    ((position, event, error),) = parked_by_tried(store.using)
    assert (position, event) == (recorded[1].position, recorded[1].id)
    assert error.startswith("Poisoned")
    assert_others_went_on(store.using)


@pytest.mark.parametrize("on_error", ["stop", "park"])
@on_databases()
def test_an_event_whose_keys_cannot_be_told_is_recorded_and_fails_like_any_other(store, on_error):
    """No fact is refused for what a projection makes of it; and of this one no row is written."""

    def keys(recorded):
        if recorded.event.account == "poison":
            raise Poisoned
        return [recorded.event.account]

    with tried_balances(on_error, keys):
        batch = [Deposited("x", 1), Deposited("poison", 2), Deposited("x", 4)]
        recorded = append(batch, using=store.using)
    if on_error == "stop":
        assert state_of_tried(store.using).failed_position == recorded[1].position
        assert tried_rows(store.using) == {"x": (1, 1)}
    else:
        assert [each[0] for each in parked_by_tried(store.using)] == [recorded[1].position]
        assert tried_rows(store.using) == {"x": (5, 2)}
    assert_others_went_on(store.using)


@on_databases()
def test_a_key_that_its_column_cannot_hold_fails_as_an_event_and_not_as_an_append(store):
    long = "x" * 65
    with tried_balances("park"):
        (recorded,) = append([Deposited(long, 1)], using=store.using)
    assert [each[0] for each in parked_by_tried(store.using)] == [recorded.position]
    assert ProjectionState.objects.using(store.using).get(pk="ledger.balances").condition == "stopped"


@on_databases()
def test_keys_that_are_told_otherwise_once_the_fact_is_recorded_write_no_row(store):
    """Nobody has locked those rows."""
    count = iter(range(100))
    with tried_balances("stop", lambda recorded: [f"x{next(count)}"]):
        (recorded,) = append([Deposited("x", 1)], using=store.using)
    stopped = state_of_tried(store.using)
    assert (stopped.condition, stopped.failed_position) == ("stopped", recorded.position)
    assert stopped.error.startswith("RowNotLocked")
    assert tried_rows(store.using) == {}
    assert_others_went_on(store.using)


@on_databases()
def test_keys_that_ask_for_the_position_are_told_so_before_anything_is_recorded(store):
    with (
        tried_balances("park", lambda recorded: [str(recorded.position)]),
        pytest.raises(PositionNotDrawn),
    ):
        append([Deposited("x", 1)], using=store.using)
    assert list(read(LEDGER, using=store.using)) == []
    assert not ParkedEvent.objects.using(store.using).exists()
    assert not Balance.objects.using(store.using).exists()


def insert_half(recorded, using):
    """One row, and then one that the database refuses."""
    FollowedEntry.objects.using(using).create(position=recorded.position, amount=1)
    amount = "NULL" if recorded.event.amount == POISON else "2"
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO ledger_followedentry (position, amount) VALUES (%s, {amount})", [recorded.position]
        )


@pytest.mark.parametrize(("on_error", "left"), [("stop", [1, 2]), ("park", [1, 2, 1, 2])])
@on_databases()
def test_a_handler_whose_sql_the_database_refuses_leaves_nothing_of_its_event(store, on_error, left):
    with tried_entries(on_error, insert_half):
        batch = [Transferred("x", "y", 1), Transferred("x", "y", POISON), Transferred("x", "y", 3)]
        recorded = append(batch, using=store.using)
    rows = FollowedEntry.objects.using(store.using).order_by("id").values_list("position", "amount")
    folded = [recorded[0].position] * 2 + [recorded[2].position] * 2
    assert list(rows) == list(zip(folded[: len(left)], left, strict=True))
    assert_others_went_on(store.using)


@on_databases("postgres", "mariadb")
def test_what_breaks_the_transaction_off_is_no_failure_of_the_event(store, settings):
    settings.FACTOS_DISPATCH_ATTEMPTS = 2
    tried = []

    def function(recorded, using):
        tried.append(recorded)
        with connections[using].cursor() as cursor:
            cursor.execute(DEADLOCKS[connections[using].vendor])

    with tried_entries("stop", function), pytest.raises(RetryTransaction):
        append([Transferred("x", "y", 1)], using=store.using)
    assert len(tried) == 2
    assert list(read(LEDGER, using=store.using)) == []
    assert not ProjectionState.objects.using(store.using).exclude(condition="running").exists()


@on_databases("postgres", "mariadb")
@pytest.mark.parametrize("on_error", ["stop", "park"])
def test_a_server_without_room_is_no_failure_of_the_event(store, on_error):
    def function(recorded, using):
        with connections[using].cursor() as cursor:
            cursor.execute(FULL_DISKS[connections[using].vendor])

    with tried_entries(on_error, function), pytest.raises(OperationalError, match="full"):
        append([Transferred("x", "y", 1)], using=store.using)
    assert list(read(LEDGER, using=store.using)) == []
    assert not ProjectionState.objects.using(store.using).exclude(condition="running").exists()
    assert not ParkedEvent.objects.using(store.using).exists()


@on_databases()
def test_a_stopped_projection_that_goes_on_folds_what_comes_then(store):
    with tried_balances("stop"):
        append([Deposited("x", POISON)], using=store.using)
        ProjectionState.objects.using(store.using).filter(pk="ledger.tried").update(condition="running")
        append([Deposited("x", 1)], using=store.using)
    assert tried_rows(store.using) == {"x": (1, 1)}


def statements_of(store, events):
    """The statements that one append makes, and those that begin and end its transaction."""
    seen = []

    def note(execute, sql, *rest):
        seen.append(sql)
        return execute(sql, *rest)

    connection = connections[store.using]
    connection.ensure_connection()
    with (
        connection.execute_wrapper(note),
        mock.patch.object(connection, "set_autocommit", wraps=connection.set_autocommit) as transactions,
    ):
        append(events, using=store.using)
    return len(seen), transactions.call_count


@under_tags
def test_an_append_that_no_inline_projection_wants_is_one_statement_under_tags(store, monkeypatch):
    monkeypatch.setattr(announcing, "WAKERS", [])  # whoever follows is told by a statement after it
    assert statements_of(store, [Noted("nobody's")]) == (1, 0)
    statements, transactions = statements_of(store, [Deposited("x", 1)])
    assert statements > 1
    assert transactions > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.5"), Decimal("1.50")),
        (Decimal(0), Decimal("-0.00")),
        (0.0, -0.0),
        (
            datetime(2026, 1, 1, 12, tzinfo=UTC),
            datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
def test_keys_that_are_equal_have_one_lock(one, other):
    shape = SimpleNamespace(key=lambda key: key, parts=lambda key: (key,))
    rows = KeyedRows(shape=shape, keys_of=lambda key: [key], start=None, evolve=None)
    assert one == other
    assert rows.row_names(one) == rows.row_names(other)
