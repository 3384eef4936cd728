"""The app's `flush`: it empties the log of a test database, and loses no facts elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.core.management.commands import flush as django_flush
from django.db import DatabaseError, connections, transaction

from factos_django import Query
from factos_django.models import Event, IdempotencyKey, LogGuard, Tag
from factos_django.store import append, head, read
from factos_django.testing.contract import Counted
from tests.scratch import empty_database, second_session
from tests.stores import Store, on_databases

ADVICE = "append a correcting fact"


def flush(using: str, **options: Any) -> None:
    """As a test case calls it."""
    options = {"reset_sequences": False, **options}
    call_command("flush", database=using, verbosity=0, interactive=False, **options)


def count(using: str) -> tuple[int, int, int]:
    """The rows of events, tags and keys."""
    events, tags, keys = (
        model._default_manager.using(using).count() for model in (Event, Tag, IdempotencyKey)
    )
    return events, tags, keys


def record(using: str, number: int = 1) -> int:
    """Record a fact under a key, and return its position."""
    (recorded,) = append([Counted(number)], idempotency_key=f"key {number}", using=using)
    return recorded.position


def assert_closed(using: str) -> None:
    """The switch is closed: a row of the log cannot be deleted."""
    record(using, 99)
    with pytest.raises(DatabaseError, match=ADVICE), connections[using].cursor() as cursor:
        cursor.execute("DELETE FROM factos_event")


def make_production(using: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test database look like one that serves."""
    connections[using].ensure_connection()
    monkeypatch.setitem(connections[using].settings_dict, "NAME", "shop")


@on_databases("default", "postgres", "mariadb")
def test_flush_empties_the_log_of_a_test_database(store: Store) -> None:
    record(store.using)
    assert count(store.using) == (1, 0, 1)
    flush(store.using)
    assert count(store.using) == (0, 0, 0)
    assert list(read(Query.all(), using=store.using)) == []


@on_databases("default", "postgres", "mariadb")
def test_flush_empties_the_log_inside_a_transaction_too(store: Store) -> None:
    record(store.using)
    with transaction.atomic(using=store.using):
        flush(store.using)
    assert count(store.using) == (0, 0, 0)
    assert_closed(store.using)


@on_databases("default", "postgres", "mariadb")
@pytest.mark.parametrize("looks", ["by-name", "without-test-runner"])
def test_flush_refuses_to_erase_the_facts_of_another_database(
    store: Store, monkeypatch: pytest.MonkeyPatch, looks: str
) -> None:
    record(store.using)
    if looks == "by-name":
        make_production(store.using, monkeypatch)
    else:
        monkeypatch.delattr(mail, "outbox")
    with pytest.raises(CommandError, match=r"holds facts.*--erase-facts"):
        flush(store.using)
    assert count(store.using) == (1, 0, 1)
    assert_closed(store.using)


@on_databases("default", "postgres", "mariadb")
def test_flush_erases_the_facts_of_another_database_when_told_to(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(store.using)
    make_production(store.using, monkeypatch)
    flush(store.using, erase_facts=True)
    assert count(store.using) == (0, 0, 0)
    assert_closed(store.using)


@on_databases("default", "postgres", "mariadb")
def test_flush_of_another_database_without_facts_needs_not_be_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_production(store.using, monkeypatch)
    flush(store.using)
    assert_closed(store.using)


@on_databases("default")
def test_a_database_with_the_name_that_its_test_settings_give_is_a_test_database(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(store.using)
    settings = connections[store.using].settings_dict
    monkeypatch.setitem(settings, "NAME", "ci_gw0")
    monkeypatch.setitem(settings, "TEST", settings["TEST"] | {"NAME": "ci"})
    flush(store.using)
    assert count(store.using) == (0, 0, 0)


def fail(*_: Any, **__: Any) -> None:
    raise RuntimeError("the flush fails")


def fail_in_sql(*_: Any, **__: Any) -> list[str]:
    return ["THIS IS NO SQL"]


FAILURES: dict[str, tuple[str, Callable[..., Any], type[Exception]]] = {
    "in-sql": ("sql_flush", fail_in_sql, CommandError),
    "after-it": ("emit_post_migrate_signal", fail, RuntimeError),
}


@on_databases("default", "postgres", "mariadb")
@pytest.mark.parametrize("failure", FAILURES)
def test_the_switch_is_closed_after_a_flush_and_after_one_that_fails(
    store: Store, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    flush(store.using)
    assert_closed(store.using)
    name, replacement, error = FAILURES[failure]
    with monkeypatch.context() as patched:
        patched.setattr(django_flush, name, replacement)
        with pytest.raises(error):
            flush(store.using)
    assert_closed(store.using)


@on_databases("default", "postgres", "mariadb")
@pytest.mark.parametrize("failure", FAILURES)
def test_the_switch_is_closed_after_a_flush_that_fails_inside_a_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    name, replacement, error = FAILURES[failure]
    with monkeypatch.context() as patched:
        patched.setattr(django_flush, name, replacement)
        with pytest.raises(error), transaction.atomic(using=store.using):
            flush(store.using)
    assert_closed(store.using)


@on_databases("postgres", "mariadb")
def test_the_switch_is_never_open_in_another_session(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = []

    def delete_elsewhere(*_: Any, **__: Any) -> None:
        record(store.using, 2)  # while the switch is open here
        with second_session(store.using) as cursor:
            try:
                cursor.execute("DELETE FROM factos_event")
            except DatabaseError as error:
                refusals.append(str(error))

    with monkeypatch.context() as patched:
        patched.setattr(django_flush, "emit_post_migrate_signal", delete_elsewhere)
        flush(store.using)
    (refusal,) = refusals
    assert ADVICE in refusal
    assert count(store.using)[0] == 1


@on_databases("default")
def test_another_session_sees_no_open_switch_on_sqlite(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look_elsewhere(*_: Any, **__: Any) -> None:
        for open_cursor in (connections[store.using].cursor, None):
            with open_cursor() if open_cursor else second_session(store.using) as cursor:
                cursor.execute("SELECT count(*) FROM factos_switch")
                seen.append(cursor.fetchone()[0])

    with monkeypatch.context() as patched:
        patched.setattr(django_flush, "emit_post_migrate_signal", look_elsewhere)
        flush(store.using)
    assert seen == [1, 0]


@on_databases("default", "postgres", "mariadb")
def test_flush_works_in_a_database_without_the_tables_of_the_app(store: Store, tmp_path: Path) -> None:
    with empty_database(store.using, tmp_path) as connection, connection.cursor() as cursor:
        flush(store.using, inhibit_post_migrate=True)
        cursor.execute("CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY)")
        cursor.execute("INSERT INTO django_session VALUES ('a')")
        flush(store.using, inhibit_post_migrate=True)
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone()[0] == 0


@on_databases("default", "postgres", "mariadb")
def test_positions_that_were_given_out_do_not_come_again_after_a_flush(store: Store) -> None:
    before = [record(store.using, number) for number in range(3)]
    flush(store.using)
    known = head(store.using)
    after = record(store.using)
    assert after > max(before)
    assert known < after
    assert head(store.using) == after


@on_databases("default", "postgres", "mariadb")
def test_positions_begin_again_after_a_flush_that_resets_sequences(store: Store) -> None:
    record(store.using)
    flush(store.using, reset_sequences=True)
    assert head(store.using) == 0
    assert record(store.using) == 1
    assert head(store.using) == 1


@on_databases("default", "postgres", "mariadb")
def test_a_flush_removes_the_row_of_the_guard_and_the_next_append_makes_it_anew(store: Store) -> None:
    record(store.using)
    flush(store.using)
    guards = LogGuard.objects.using(store.using)
    assert not guards.exists()
    record(store.using)
    assert guards.exists() == (store.guard == "log")
    record(store.using, 2)
    assert [each.event for each in read(Query.all(), using=store.using)] == [Counted(1), Counted(2)]
