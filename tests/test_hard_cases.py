"""What somebody found who was asked to break it."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.core.management import call_command
from django.db import connections

from factos_django import (
    AppendCondition,
    Decider,
    IdempotencyKeyReused,
    InvalidAppend,
    InvalidMetadata,
    InvalidQuery,
    Proposed,
    Query,
    QueryItem,
    StandbyRefused,
    StoreBusy,
)
from factos_django.checks import check_database, check_settings
from factos_django.dispatch import dispatch
from factos_django.store import append, read, read_context
from factos_django.testing.contract import Noted
from tests.stores import Store, on_databases

noting: Decider[Any, int, Noted] = Decider(
    initial=0, decide=lambda n, _command: [Noted(str(n))], evolve=lambda n, _event: n + 1
)


def tagged(*tags: str) -> Query:
    return Query.of(QueryItem(tags=tags))


def ids_of(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id) for message in messages]


@on_databases("postgres")
def test_a_standby_gives_no_context_and_takes_no_append(store: Store) -> None:
    with connections[store.using].cursor() as cursor:
        cursor.execute("CREATE SCHEMA standby")
        cursor.execute(
            "CREATE FUNCTION standby.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'"
        )
        cursor.execute("SET search_path = standby, public, pg_catalog")
    try:
        with pytest.raises(StandbyRefused):
            read_context(tagged("t"), noting, using=store.using)
        with pytest.raises(StandbyRefused):
            append([Noted()], using=store.using)
    finally:
        with connections[store.using].cursor() as cursor:
            cursor.execute("RESET search_path")
            cursor.execute("DROP SCHEMA standby CASCADE")


@on_databases()
def test_a_command_without_json_has_no_idempotency_key(store: Store) -> None:
    with pytest.raises(InvalidAppend, match="idempotency key"):
        dispatch(object(), decider=noting, query=tagged("t"), idempotency_key="k", using=store.using)
    assert list(read(Query.all(), using=store.using)) == []


@on_databases()
def test_the_order_of_items_does_not_make_another_request(store: Store) -> None:
    items = [QueryItem(tags=["a"]), QueryItem(tags=["b"])]
    first = dispatch("c", decider=noting, query=Query.of(*items), idempotency_key="k", using=store.using)
    again = dispatch(
        "c", decider=noting, query=Query.of(*items[::-1]), idempotency_key="k", using=store.using
    )
    assert again.events == first.events
    with pytest.raises(IdempotencyKeyReused):
        dispatch("c", decider=noting, query=tagged("other"), idempotency_key="k", using=store.using)


@on_databases()
def test_read_tells_the_time_of_append_without_time_zones(store: Store, settings: Any) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, "America/Chicago"
    connections[store.using].close()
    for attribute in ("timezone", "timezone_name"):
        vars(connections[store.using]).pop(attribute, None)
    try:
        [recorded] = append([Noted()], using=store.using)
        assert [each.recorded_at for each in read(Query.all(), using=store.using)] == [recorded.recorded_at]
    finally:
        connections[store.using].close()
        for attribute in ("timezone", "timezone_name"):
            vars(connections[store.using]).pop(attribute, None)


@on_databases()
def test_an_item_may_name_as_many_tags_as_an_event_may_have(store: Store) -> None:
    tags = [f"tag:{n}" for n in range(64)]
    [recorded] = append([Proposed(Noted(), tags=tuple(tags))], using=store.using)
    assert list(read(tagged(*tags), using=store.using)) == [recorded]
    with pytest.raises(InvalidQuery, match="FACTOS_MAX_TAGS"):
        read(tagged(*tags, "one more"), using=store.using)


@on_databases()
def test_a_query_of_many_items_with_many_tags_is_answered(store: Store) -> None:
    query = Query.of(*(QueryItem(tags=[f"{item}:{tag}" for tag in range(12)]) for item in range(100)))
    assert len(append([Noted()], condition=AppendCondition(query), using=store.using)) == 1
    assert list(read(query, using=store.using)) == []


@on_databases("mariadb")
def test_an_append_may_be_larger_than_a_packet(store: Store) -> None:
    recorded = append([Noted("x" * 200_000) for _ in range(100)], using=store.using)
    assert [each.position for each in read(Query.all(), using=store.using)] == [r.position for r in recorded]


@on_databases("postgres")
def test_counting_tags_behind_a_locked_table_ends_as_store_busy(store: Store, settings: Any) -> None:
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 0.3
    blocker = connections.create_connection(store.using)
    blocker.settings_dict["NAME"] = connections[store.using].settings_dict["NAME"]
    try:
        with blocker.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE factos_tag IN ACCESS EXCLUSIVE MODE")
            for operation in (
                lambda: append([Noted()], condition=AppendCondition(tagged("a", "b")), using=store.using),
                lambda: read_context(tagged("a", "b"), noting, using=store.using),
            ):
                with pytest.raises(StoreBusy):
                    operation()
            cursor.execute("ROLLBACK")
    finally:
        blocker.close()


@on_databases("default", "postgres", "mariadb")
def test_migrating_back_and_forward_leaves_nothing_broken(store: Store) -> None:
    call_command("migrate", "factos", "0001", database=store.using, verbosity=0)
    call_command("migrate", "factos", database=store.using, verbosity=0, skip_checks=True)
    append([Noted()], using=store.using)
    with connections[store.using].schema_editor() as editor:
        editor.execute("CREATE TABLE fresh (id integer)")
        editor.execute("ALTER TABLE fresh RENAME TO renamed")
        editor.execute("DROP TABLE renamed")
    assert "factos.E003" not in ids_of(check_database(None, [store.using]))


@on_databases("postgres")
def test_a_disabled_trigger_is_missing_and_migrate_enables_it(store: Store) -> None:
    with connections[store.using].cursor() as cursor:
        cursor.execute("ALTER TABLE factos_event DISABLE TRIGGER ALL")
    assert "factos.E003" in ids_of(check_database(None, [store.using]))
    call_command("migrate", "factos", database=store.using, verbosity=0, skip_checks=True)
    assert "factos.E003" not in ids_of(check_database(None, [store.using]))


def test_a_guard_for_no_database_is_an_error(settings: Any) -> None:
    chosen: Mapping[str, str] = {"defualt": "log"}
    settings.FACTOS_GUARD = chosen
    assert "factos.E001" in ids_of(check_settings(None))


def test_a_whole_number_is_no_float(settings: Any) -> None:
    settings.FACTOS_DISPATCH_ATTEMPTS = 5.0
    assert "factos.E001" in ids_of(check_settings(None))


@on_databases()
def test_bad_metadata_and_bad_decisions_are_named(store: Store) -> None:
    with pytest.raises(InvalidMetadata, match="'b'"):
        append([Noted()], metadata={"a": 1, "b": float("nan")}, using=store.using)
    forgetful: Any = lambda _n, _command: None  # noqa: E731  # as if the return were forgotten
    nothing: Decider[Any, int, Any] = Decider(initial=0, decide=forgetful, evolve=lambda n, _event: n)
    with pytest.raises(InvalidAppend, match="decide returned NoneType"):
        dispatch("c", decider=nothing, query=tagged("t"), using=store.using)
