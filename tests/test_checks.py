"""Each system check speaks when it should, and is silent otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from django.core.checks import CheckMessage, run_checks
from django.core.management import call_command
from django.db import connections
from django.test.utils import CaptureQueriesContext

from factos_django import checks
from factos_django.checks import check_database, check_settings
from factos_django.effects import steering
from factos_django.models import Effect, ProjectionState
from factos_django.projections.states import ensure_states
from factos_django.registry import HANDLERS, PROJECTIONS, Registered
from factos_django.store import append
from factos_django.testing.contract import Counted
from tests.effects.outboxes import billed, finished
from tests.faults.servers import on_own_servers, own_server
from tests.ledger.domain import Deposited
from tests.parcels.factos import bill
from tests.scratch import connected_anew, empty_database
from tests.settings import DATABASES
from tests.stores import Store, on_databases

#: The warnings about what a crash does.
CRASH = ("factos.W005", "factos.W007")


def settings_checks(id: str) -> list[CheckMessage]:
    return [message for message in check_settings(None) if message.id == id]


def database_checks(using: str, id: str) -> list[CheckMessage]:
    return [message for message in check_database(None, databases=[using]) if message.id == id]


def of_the_project(messages: list[CheckMessage]) -> list[CheckMessage]:
    """Leave out what is said of effect types that the tests declare by themselves."""
    installed = ("ticketing.", "parcels.")
    return [
        each for each in messages if each.id != "factos.W012" or each.msg.split()[2].startswith(installed)
    ]


def execute(using: str, *statements: str) -> None:
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def hint_of(message: CheckMessage) -> str:
    return message.hint or ""


@on_databases("default", "postgres", "mariadb")
def test_a_sound_project_hears_nothing(store: Store) -> None:
    append([Counted(1)], using=store.using)
    assert of_the_project(check_settings(None)) == []
    # How a server flushes is its administrator's choice, also on the machine of these tests.
    assert [m for m in check_database(None, databases=[store.using]) if m.id not in CRASH] == []


@on_databases("default", also=DATABASES)  # from Django 6.1 on its own checks of fields ask each server
def test_the_checks_are_registered_and_open_no_connection_unless_a_database_is_named(
    store: Store, settings: Any
) -> None:
    settings.FACTOS_BATCH = 1
    execute(store.using, "DROP TRIGGER factos_event_no_update")
    try:
        with CaptureQueriesContext(connections[store.using]) as queries:
            plain = {message.id for message in run_checks()}
        named = {message.id for message in run_checks(databases=[store.using])}
    finally:
        call_command("migrate", "factos", database=store.using, verbosity=0)
    assert "factos.W001" in plain
    assert "factos.E003" not in plain
    assert {"factos.W001", "factos.E003"} <= named
    assert not [each["sql"] for each in queries if "factos" in each["sql"]]


@on_databases("default", "postgres", "mariadb")
def test_a_database_that_does_not_hold_the_log_is_not_judged(store: Store, settings: Any) -> None:
    class Elsewhere:
        def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
            return False if app_label == "factos" else None

    settings.DATABASE_ROUTERS = [Elsewhere()]
    with connected_anew(store.using, OPTIONS=isolation_options(store, "serializable")):
        judged = [
            each for each in of_the_project(check_settings(None)) if each.id != "factos.W011"
        ]  # no fact
        assert judged == []
        assert check_database(None, databases=[store.using]) == []


@on_databases("default", "postgres", "mariadb")
def test_a_database_without_our_tables_is_not_judged(store: Store, tmp_path: Path) -> None:
    with empty_database(store.using, tmp_path):
        assert check_database(None, databases=[store.using]) == []


# E001: impossible settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FACTOS_MAX_BATCH", 0),
        ("FACTOS_MAX_BATCH", "many"),
        ("FACTOS_MAX_TAGS", True),
        ("FACTOS_MAX_TAGS", 1.5),
        ("FACTOS_MAX_EVENT_BYTES", float("inf")),
        ("FACTOS_FOLLOW_BATCH", float("nan")),
        ("FACTOS_LOCK_TIMEOUT_SECONDS", -1),
        ("FACTOS_LOCK_TIMEOUT_SECONDS", float("inf")),
        ("FACTOS_LOCK_TIMEOUT_SECONDS", float("nan")),
        ("FACTOS_GUARD", "row"),
        ("FACTOS_GUARD", {"default": "row"}),
        ("FACTOS_API_UNREGISTERED_TYPES", "Noted"),
    ],
)
def test_e001_names_an_impossible_setting(settings: Any, name: str, value: object) -> None:
    setattr(settings, name, value)
    messages = settings_checks("factos.E001")
    assert messages
    assert all(f"{name} = {value!r} was refused: give" in message.msg for message in messages)


def test_e001_refuses_the_guard_by_tags_where_the_database_has_no_such_locks(settings: Any) -> None:
    settings.FACTOS_GUARD = {"default": "tags"}
    (message,) = settings_checks("factos.E001")
    assert "'default' is no PostgreSQL" in message.msg


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FACTOS_MAX_BATCH", 1),
        ("FACTOS_LOCK_TIMEOUT_SECONDS", 0.5),
        ("FACTOS_GUARD", "log"),
        ("FACTOS_GUARD", {"default": "log"}),
        ("FACTOS_API_UNREGISTERED_TYPES", ["Noted"]),
    ],
)
def test_e001_is_silent_about_a_setting_that_works(settings: Any, name: str, value: object) -> None:
    setattr(settings, name, value)
    assert settings_checks("factos.E001") == []


# W001: unknown settings


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FACTOS_LOCK_TIMEOUT", "Did you mean FACTOS_LOCK_TIMEOUT_SECONDS?"),
        ("FACTOS_MAX_TAG", "Did you mean FACTOS_MAX_TAGS?"),
        ("FACTOS_ZZZ", "Remove it"),
    ],
)
def test_w001_names_an_unknown_setting_and_the_one_that_was_meant(
    settings: Any, name: str, meant: str
) -> None:
    setattr(settings, name, 3)
    (message,) = settings_checks("factos.W001")
    assert name in message.msg
    assert hint_of(message).startswith(meant)


def test_w001_is_silent_about_the_settings_of_others(settings: Any) -> None:
    settings.MY_FACTOS_BATCH = 3
    assert settings_checks("factos.W001") == []


# E002: isolation


def isolation_options(store: Store, level: str) -> dict[str, Any]:
    options = dict(connections[store.using].settings_dict["OPTIONS"])
    if store.using == "mariadb":
        return options | {"isolation_level": level}
    if store.using == "postgres":
        from django.db.backends.postgresql.psycopg_any import IsolationLevel

        return options | {"isolation_level": getattr(IsolationLevel, level.upper().replace(" ", "_"))}
    return options


@on_databases("postgres", "mariadb")
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_e002_refuses_an_isolation_at_which_a_check_reads_an_old_snapshot(store: Store, level: str) -> None:
    with connected_anew(store.using, OPTIONS=isolation_options(store, level)):
        (message,) = database_checks(store.using, "factos.E002")
    assert level.upper() in message.msg
    assert "READ COMMITTED" in hint_of(message)


@on_databases("mariadb")
def test_e002_refuses_the_isolation_that_the_server_has_by_default(store: Store) -> None:
    with connected_anew(store.using, OPTIONS={"charset": "utf8mb4", "isolation_level": None}):
        assert len(database_checks(store.using, "factos.E002")) == 1


@on_databases("postgres")
def test_e002_sees_an_isolation_that_the_session_was_set_to(store: Store) -> None:
    with connected_anew(store.using):
        execute(store.using, "SET default_transaction_isolation = 'repeatable read'")
        assert len(database_checks(store.using, "factos.E002")) == 1


@on_databases("default", "postgres", "mariadb")
def test_e002_is_silent_at_read_committed(store: Store) -> None:
    with connected_anew(store.using, OPTIONS=isolation_options(store, "read committed")):
        assert database_checks(store.using, "factos.E002") == []


# E003: missing triggers and functions

DROPS = {
    "default": [
        ("factos_event_no_update", "DROP TRIGGER factos_event_no_update"),
        ("factos_event_no_delete", "DROP TRIGGER factos_event_no_delete"),
        ("factos_tag_no_replace", "DROP TRIGGER factos_tag_no_replace"),
    ],
    "postgres": [
        ("factos_event_append_only", "DROP TRIGGER factos_event_append_only ON factos_event"),
        ("factos_tag_append_only", "DROP TRIGGER factos_tag_append_only ON factos_tag"),
        ("factos_head_2", "DROP FUNCTION factos_head_2"),
    ],
    "mariadb": [
        ("factos_event_no_update", "DROP TRIGGER factos_event_no_update"),
        ("factos_idempotencykey_no_delete", "DROP TRIGGER factos_idempotencykey_no_delete"),
    ],
}


@on_databases("default", "postgres", "mariadb")
def test_e003_names_what_is_missing_and_migrate_puts_it_back(store: Store) -> None:
    for name, drop in DROPS[store.using]:
        execute(store.using, drop)
        try:
            (message,) = database_checks(store.using, "factos.E003")
        finally:
            call_command("migrate", "factos", database=store.using, verbosity=0)
        assert f"lacks {name}, which" in message.msg
        assert "migrate factos" in hint_of(message)
        assert database_checks(store.using, "factos.E003") == []


@on_databases("default", "postgres", "mariadb")
def test_e003_is_silent_while_migrations_are_not_applied(store: Store, tmp_path: Path) -> None:
    with empty_database(store.using, tmp_path):
        call_command("migrate", "factos", "0001", database=store.using, verbosity=0)
        execute(store.using, DROPS[store.using][0][1])  # what post_migrate has put there early
        assert database_checks(store.using, "factos.E003") == []
        call_command("migrate", "factos", database=store.using, verbosity=0, skip_checks=False)
        assert database_checks(store.using, "factos.E003") == []


# E004: unsupported databases


class FakeConnection:
    """What the checks ask of a connection before they judge its tables."""

    def __init__(
        self, vendor: str, version: tuple[int, ...] = (99,), mariadb: bool = True, name: str = ""
    ) -> None:
        self.alias, self.vendor, self.display_name = "shop", vendor, name or vendor
        self.mysql_is_mariadb = mariadb
        self.settings_dict = {"OPTIONS": {"transaction_mode": "IMMEDIATE"}}
        self.introspection = SimpleNamespace(table_names=list)
        self.Database = SimpleNamespace(__name__="psycopg")
        self.get_database_version: Callable[[], tuple[int, ...]] = lambda: version


class FakeConnections(dict[str, Any]):
    """One alias."""


def judged(monkeypatch: pytest.MonkeyPatch, connection: FakeConnection, id: str = "factos.E004") -> list[str]:
    fakes = FakeConnections(shop=connection)
    monkeypatch.setattr(checks, "connections", fakes)
    monkeypatch.setattr("factos_django.checks.settings.guard_name", lambda alias: "log")
    messages = [*check_settings(None), *check_database(None, databases=["shop"])]
    return [message.msg for message in messages if message.id == id]


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        (FakeConnection("oracle"), "'shop' is oracle"),
        (FakeConnection("microsoft"), "'shop' is microsoft"),
        (FakeConnection("mysql", (8, 4, 2), mariadb=False), "'shop' is MySQL"),
        (FakeConnection("mysql", (10, 5, 27), name="MariaDB"), "'shop' is MariaDB 10.5.27"),
        (FakeConnection("postgresql", (13, 4), name="PostgreSQL"), "'shop' is PostgreSQL 13.4"),
        (FakeConnection("sqlite", (3, 36, 0), name="SQLite"), "'shop' is SQLite 3.36.0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_e004_refuses_a_database_on_which_nothing_was_proven(
    monkeypatch: pytest.MonkeyPatch, connection: FakeConnection, said: str
) -> None:
    (message,) = judged(monkeypatch, connection)
    assert said in message


@pytest.mark.parametrize(
    "connection",
    [
        FakeConnection("mysql", (10, 6, 0)),
        FakeConnection("mysql", (11, 4, 2)),
        FakeConnection("postgresql", (14,)),
        FakeConnection("sqlite", (3, 37, 0)),
    ],
    ids=["mariadb-10.6", "mariadb-11", "postgresql-14", "sqlite-3.37"],
)
def test_e004_is_silent_about_the_oldest_databases_that_are_supported(
    monkeypatch: pytest.MonkeyPatch, connection: FakeConnection
) -> None:
    assert judged(monkeypatch, connection) == []


# E005: the sequence of positions


SEQUENCE = "factos_event_position_seq"


@contextmanager
def sequence_as_it_was(using: str) -> Iterator[None]:
    try:
        yield
    finally:
        execute(
            using,
            f"ALTER SEQUENCE {SEQUENCE} INCREMENT 1 CACHE 1",
            f"SELECT setval('{SEQUENCE}', 1000 + (SELECT coalesce(max(position), 1) FROM factos_event))",
        )


@on_databases("postgres")
@pytest.mark.parametrize("setval", ["(SELECT max(position) - 1 FROM factos_event), true", "1, false"])
def test_e005_sees_a_sequence_behind_the_log(store: Store, setval: str) -> None:
    append([Counted(1), Counted(2)], using=store.using)
    with sequence_as_it_was(store.using):
        execute(store.using, f"SELECT setval('{SEQUENCE}', {setval})")
        (message,) = database_checks(store.using, "factos.E005")
        assert "behind the log" in message.msg
        execute(store.using, hint_of(message))
        assert database_checks(store.using, "factos.E005") == []
        append([Counted(3)], using=store.using)


@on_databases("postgres")
def test_e005_sees_a_sequence_that_will_draw_the_first_position_again(store: Store) -> None:
    call_command("flush", database=store.using, verbosity=0, interactive=False)
    (recorded,) = append([Counted(1)], using=store.using)
    assert recorded.position == 1
    with sequence_as_it_was(store.using):
        execute(store.using, f"SELECT setval('{SEQUENCE}', 1, false)")
        assert len(database_checks(store.using, "factos.E005")) == 1


@on_databases("postgres")
@pytest.mark.parametrize("change", ["CACHE 10", "INCREMENT 2"])
def test_e005_sees_a_sequence_that_caches_or_skips(store: Store, change: str) -> None:
    with sequence_as_it_was(store.using):
        execute(store.using, f"ALTER SEQUENCE {SEQUENCE} {change}")
        (message,) = database_checks(store.using, "factos.E005")
        assert "skips or caches" in message.msg
        execute(store.using, hint_of(message))
        assert database_checks(store.using, "factos.E005") == []


@on_databases("postgres")
def test_e005_is_silent_about_a_sequence_that_nobody_touched(store: Store) -> None:
    call_command("flush", database=store.using, verbosity=0, interactive=False)
    assert database_checks(store.using, "factos.E005") == []
    append([Counted(1)], using=store.using)
    assert database_checks(store.using, "factos.E005") == []


# W002 and W003: SQLite


@on_databases("default")
def test_w002_advises_immediate_transactions(store: Store) -> None:
    assert settings_checks("factos.W002") == []
    for options in ({}, {"transaction_mode": "DEFERRED"}, {"transaction_mode": None}):
        with connected_anew(store.using, OPTIONS=options):
            (message,) = settings_checks("factos.W002")
        assert '"transaction_mode": "IMMEDIATE"' in hint_of(message)
    with connected_anew(store.using, OPTIONS={"transaction_mode": "immediate"}):
        assert settings_checks("factos.W002") == []


@on_databases("default")
@pytest.mark.parametrize(("mode", "warned"), [("DELETE", True), ("WAL", False)])
def test_w003_advises_a_write_ahead_log(store: Store, tmp_path: Path, mode: str, warned: bool) -> None:
    options = {"init_command": f"PRAGMA journal_mode={mode}"}
    with empty_database(store.using, tmp_path, OPTIONS=options):
        call_command("migrate", "factos", database=store.using, verbosity=0)
        messages = database_checks(store.using, "factos.W003")
    assert len(messages) == warned
    assert all("journal_mode=WAL" in hint_of(message) for message in messages)


@on_databases("default")
def test_w003_is_silent_about_a_database_in_memory(store: Store) -> None:
    with connected_anew(store.using, NAME=":memory:"):
        call_command("migrate", "factos", database=store.using, verbosity=0)
        assert database_checks(store.using, "factos.W003") == []


# W004: types without a class


def insert_of_type(using: str, name: str) -> None:
    json = "'{}'" if using != "postgres" else "'{}'::jsonb"
    sql = (
        "INSERT INTO factos_event (id, type, version, data, metadata, tags, recorded_at) "
        f"VALUES (%s, %s, 1, {json}, {json}, {json}, '2026-01-01 00:00:00')"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [uuid4().hex if using == "default" else str(uuid4()), name])


@on_databases("default", "postgres", "mariadb")
def test_w004_names_the_types_in_the_log_that_no_class_is_registered_for(store: Store) -> None:
    append([Counted(1)], using=store.using)
    assert database_checks(store.using, "factos.W004") == []
    for name in ("vanished.Zebra", "Vanished", "vanished.Zebra"):
        insert_of_type(store.using, name)
    (message,) = database_checks(store.using, "factos.W004")
    assert "holds Vanished, vanished.Zebra, for which" in message.msg
    assert "@event_type" in hint_of(message)


# W005 and W007: what a crash takes, or breaks


def crash_warnings(using: str) -> list[tuple[str, str]]:
    """The id of each such warning, and the setting that it names."""
    found = [message for message in check_database(None, databases=[using]) if message.id in CRASH]
    assert all(hint_of(message) for message in found)
    return [(message.id or "", message.msg.rpartition(": ")[2]) for message in found]


@on_databases("default")
@pytest.mark.parametrize(
    ("synchronous", "warned"),
    [
        ("OFF", [("factos.W005", "PRAGMA synchronous = 0 on 'default'.")]),
        ("NORMAL", []),
        ("FULL", []),
        ("EXTRA", []),
    ],
)
def test_w005_warns_where_sqlite_never_flushes(
    store: Store, synchronous: str, warned: list[tuple[str, str]]
) -> None:
    options = {"init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};"}
    with connected_anew(store.using, OPTIONS=connections[store.using].settings_dict["OPTIONS"] | options):
        assert crash_warnings(store.using) == warned


@on_own_servers("postgres")
def test_w005_and_w007_warn_where_postgresql_does_not_flush(store: Store) -> None:
    with own_server(store.using) as server:
        assert crash_warnings(store.using) == []
        for value, warned in (("off", 1), ("local", 0), ("remote_write", 0), ("remote_apply", 0)):
            with connected_anew(store.using, OPTIONS={"options": f"-c synchronous_commit={value}"}):
                assert len(crash_warnings(store.using)) == warned
        server.restart(store.using, "synchronous_commit=off", "fsync=off", "full_page_writes=off")
        connections[store.using].close()
        assert crash_warnings(store.using) == [
            ("factos.W005", "synchronous_commit = off on 'postgres'."),
            ("factos.W007", "fsync = off on 'postgres'."),
            ("factos.W007", "full_page_writes = off on 'postgres'."),
        ]


@on_own_servers("mariadb")
def test_w005_warns_where_mariadb_flushes_once_a_second(store: Store) -> None:
    with own_server(store.using) as server:
        assert crash_warnings(store.using) == []
        server.restart(store.using, "innodb_flush_log_at_trx_commit=2", "log_bin=binlog", "sync_binlog=0")
        connections[store.using].close()
        assert crash_warnings(store.using) == [
            ("factos.W005", "innodb_flush_log_at_trx_commit = 2 on 'mariadb'."),
            ("factos.W005", "sync_binlog = 0 on 'mariadb'."),
        ]
        execute(store.using, "SET GLOBAL sync_binlog = 1", "SET GLOBAL innodb_flush_log_at_trx_commit = 0")
        assert crash_warnings(store.using) == [
            ("factos.W005", "innodb_flush_log_at_trx_commit = 0 on 'mariadb'."),
        ]
        execute(store.using, "SET GLOBAL innodb_flush_log_at_trx_commit = 1")
        assert crash_warnings(store.using) == []


# E007: the driver


def test_psycopg2_is_refused_and_psycopg_3_is_not(monkeypatch):
    connection = FakeConnection("postgresql")
    assert judged(monkeypatch, connection, "factos.E007") == []
    connection.Database = SimpleNamespace(__name__="psycopg2")
    [said] = judged(monkeypatch, connection, "factos.E007")
    assert "'shop' is reached by psycopg2" in said


# W008 to W011: projections


def projection_warnings(using: str, id: str) -> list[str]:
    """What is said of the projections of the ledger, each with its hint."""
    found = [f"{message.msg} {hint_of(message)}" for message in database_checks(using, id)]
    return [message for message in found if "ledger" in message]


@pytest.fixture
def known(store: Store) -> None:
    """Write down where projections stand, as migrate does; the flush of another test may have forgotten."""
    ensure_states([each for each in PROJECTIONS if each.takes_part(store.using)], store.using)


@pytest.mark.usefixtures("known")
@on_databases("default", "postgres", "mariadb")
def test_w008_names_each_projection_whose_version_or_query_is_another(store: Store) -> None:
    assert projection_warnings(store.using, "factos.W008") == []
    states = ProjectionState.objects.using(store.using)
    states.filter(pk="ledger.balances").update(version=7)
    states.filter(pk="ledger.turnovers").update(query_digest="0" * 64)
    first, second = projection_warnings(store.using, "factos.W008")
    assert first.startswith(f"Projection ledger.balances on {store.using!r} needs a rebuild")
    assert second.endswith("manage.py rebuild_projections ledger.turnovers")


@on_databases("default", "postgres", "mariadb")
def test_w008_names_an_inline_projection_that_came_after_its_facts(store: Store) -> None:
    append([Deposited("a", 1)], using=store.using)
    ProjectionState.objects.using(store.using).all().delete()
    (said,) = projection_warnings(store.using, "factos.W008")
    assert "ledger.balances" in said, "the inline one of its query, and no follower"
    assert not ProjectionState.objects.using(store.using).exists()


@pytest.mark.usefixtures("known")
@on_databases("default", "postgres", "mariadb")
def test_w009_names_the_tables_that_are_missing_where_a_projection_takes_part(
    store: Store, settings: Any
) -> None:
    assert projection_warnings(store.using, "factos.W009") == []
    execute(store.using, "ALTER TABLE ledger_turnover RENAME TO ledger_turnover_gone")
    try:
        (said,) = projection_warnings(store.using, "factos.W009")
        assert said.startswith(f"Projection ledger.turnovers writes ledger_turnover, which {store.using!r}")
        assert projection_warnings(store.using, "factos.W010") == []

        class Elsewhere:
            def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
                return False if app_label == "ledger" else None

        settings.DATABASE_ROUTERS = [Elsewhere()]
        assert projection_warnings(store.using, "factos.W009") == []
    finally:
        execute(store.using, "ALTER TABLE ledger_turnover_gone RENAME TO ledger_turnover")


@on_databases("default", "postgres", "mariadb")
def test_projections_are_not_judged_before_their_migration(store: Store, tmp_path: Path) -> None:
    with empty_database(store.using, tmp_path):
        call_command("migrate", "factos", "0003", database=store.using, verbosity=0)
        assert [m for m in check_database(None, databases=[store.using]) if m.id not in CRASH] == []


@on_databases("default", "postgres", "mariadb")
def test_w010_is_silent_about_keys_that_are_compared_byte_for_byte(store: Store) -> None:
    assert projection_warnings(store.using, "factos.W010") == []


@on_databases("mariadb")
@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_bin"])
def test_w010_names_a_key_that_mariadb_compares_otherwise(store: Store, collation: str) -> None:
    change = "ALTER TABLE ledger_turnover MODIFY payee varchar(64) COLLATE {} NOT NULL"
    execute(store.using, change.format(collation))
    try:
        (said,) = projection_warnings(store.using, "factos.W010")
    finally:
        execute(store.using, change.format("utf8mb4_nopad_bin"))
    assert said.startswith("ledger.Turnover.payee on 'mariadb', a key of projection ledger.turnovers")
    assert f"is compared by {collation}" in said
    assert "ExactCharField" in said
    assert projection_warnings(store.using, "factos.W010") == []


@on_databases("default")
def test_w011_names_a_projection_whose_tables_are_where_no_log_is(store: Store, settings: Any) -> None:
    assert settings_checks("factos.W011") == []

    class Apart:
        def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
            return (db == "default") is (app_label != "ledger")

    settings.DATABASE_ROUTERS = [Apart()]
    found = [message.msg for message in settings_checks("factos.W011")]
    assert "Projection ledger.balances gets no fact: its tables are in no database with a log." in found
    assert all("ledger." in each for each in found)


# W012 to W016: effects


@contextmanager
def without_handler(name: str) -> Iterator[None]:
    handler = HANDLERS.named(name)
    HANDLERS.unregister(name)
    try:
        yield
    finally:
        HANDLERS.register(handler)


def of_parcels(messages: list[CheckMessage]) -> list[str]:
    return [f"{each.msg} {hint_of(each)}" for each in messages if "parcels." in each.msg]


def test_w012_names_an_effect_type_that_nobody_delivers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert of_parcels(settings_checks("factos.W012")) == []
    with without_handler("parcels.Bill"):
        (said,) = of_parcels(settings_checks("factos.W012"))
        assert said.startswith("Effect type parcels.Bill has no handler")
        assert "@effect_task" in said
        monkeypatch.setattr("factos_django.checks.effects.REACTORS", [])
        assert settings_checks("factos.W012") == [], "nothing asks for it"


@on_databases("default", "postgres", "mariadb")
def test_w013_names_what_is_in_the_outbox_and_nobody_delivers(store: Store) -> None:
    billed(store.using, "fine")
    finished(store.using, 2, timedelta(days=1))
    assert database_checks(store.using, "factos.W013") == []
    with without_handler("parcels.Bill"):
        (message,) = database_checks(store.using, "factos.W013")
        assert f"{store.using!r} holds parcels.Bill, which no handler" in message.msg
        steering.drop(billed(store.using, "fine")[0].pk, reason="no", using=store.using)
        assert len(database_checks(store.using, "factos.W013")) == 1
        Effect.objects.using(store.using).update(state="done", publish_at=None)
        assert database_checks(store.using, "factos.W013") == []


@on_databases("default", "postgres", "mariadb")
def test_the_outbox_is_not_judged_before_its_migration(store: Store, tmp_path: Path) -> None:
    with empty_database(store.using, tmp_path):
        call_command("migrate", "factos", "0004", database=store.using, verbosity=0)
        assert database_checks(store.using, "factos.W013") == []


@pytest.fixture
def celery(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The Celery app of the project."""
    app = Celery("judged", set_as_current=False)
    current = SimpleNamespace(_get_current_object=lambda: app)
    monkeypatch.setattr("factos_django.tasks.broker.current_app", current)
    return app


@pytest.mark.parametrize(
    ("own", "of_all", "warned"),
    [
        ({}, {}, False),
        ({"time_limit": 299}, {}, False),
        ({"time_limit": 300}, {}, True),
        ({"soft_time_limit": 300}, {}, True),
        ({"soft_time_limit": 300, "time_limit": 200}, {}, False),
        ({}, {"task_time_limit": 400}, True),
        ({}, {"task_soft_time_limit": 400}, True),
        ({"time_limit": 10}, {"task_time_limit": 400}, False),
    ],
)
def test_w014_names_a_handler_that_may_outlive_its_lease(
    monkeypatch: pytest.MonkeyPatch,
    celery: Any,
    own: dict[str, float],
    of_all: dict[str, float],
    warned: bool,
) -> None:
    for name, value in own.items():
        monkeypatch.setattr(bill.task, name, value)
    celery.conf.update(of_all)
    said = [each for each in of_parcels(settings_checks("factos.W014")) if "parcels.Bill" in each]
    assert len(said) == warned
    assert all("its lease ends after 300 s" in each and "lease_seconds" in each for each in said)


def test_w014_knows_the_lease_of_the_settings(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bill.task, "time_limit", 20)
    assert of_parcels(settings_checks("factos.W014")) == []
    settings.FACTOS_EFFECT_LEASE_SECONDS = 20
    assert len(of_parcels(settings_checks("factos.W014"))) == 1


@pytest.mark.parametrize(
    ("content", "warned"),
    [(["json"], 0), (["json", "pickle"], 1), (["application/x-python-serialize"], 1), (None, 0)],
)
def test_w015_warns_of_pickle(
    monkeypatch: pytest.MonkeyPatch, celery: Any, content: Any, warned: int
) -> None:
    celery.conf.accept_content = content
    assert len(settings_checks("factos.W015")) == warned
    monkeypatch.setattr("factos_django.checks.effects.HANDLERS", Registered("handler"))
    assert settings_checks("factos.W015") == [], "it delivers nothing of ours"


@pytest.mark.parametrize(
    ("url", "options", "warned"),
    [
        ("amqp://guest@127.0.0.1//", {"confirm_publish": False}, 1),
        (["pyamqp://one", "pyamqp://two"], {"confirm_publish": False}, 1),
        ("amqps://guest@127.0.0.1//", {"confirm_publish": True}, 0),
        ("amqp://guest@127.0.0.1//", {}, 0),  # ours is asked for by itself
        ("redis://127.0.0.1", {"confirm_publish": False}, 0),
        (None, {"confirm_publish": False}, 0),
    ],
)
def test_w016_warns_where_rabbitmq_is_not_to_confirm(
    celery: Any, url: Any, options: dict[str, bool], warned: int
) -> None:
    celery.conf.update(broker_url=url, broker_transport_options=options)
    found = settings_checks("factos.W016")
    assert len(found) == warned
    assert all("published again" in hint_of(message) for message in found)
