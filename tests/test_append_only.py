"""Facts are made by the store alone, and nobody changes or deletes them (fault A19)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core import serializers
from django.core.management import call_command
from django.db import DatabaseError, connections, models
from django.db.migrations.loader import MigrationLoader
from django.db.models.deletion import Collector
from django.db.models.query import QuerySet
from django.db.models.sql import DeleteQuery, UpdateQuery
from django.test.utils import isolate_apps
from django.utils import timezone

from factos_django import AppendOnlyViolation, Proposed, Query
from factos_django.models import Event, IdempotencyKey, Tag
from factos_django.store import append, read
from factos_django.testing.contract import Noted
from tests.stores import Store, on_databases

MODELS: tuple[type[models.Model], ...] = (Event, Tag, IdempotencyKey)
TABLES = {"factos_event": "position", "factos_tag": "id", "factos_idempotencykey": "idempotency_key"}
ADVICE = "append a correcting fact"


class Facts(NamedTuple):
    """A log of two events, two tags and one key."""

    using: str

    def existing(self, model: type[models.Model]) -> models.Model:
        """The first row of the model."""
        found = model._default_manager.using(self.using).order_by("pk").first()
        assert found is not None
        return found

    def values(self, model: type[models.Model]) -> dict[str, Any]:
        """What a new row of the model may hold, so that only the refusal keeps it out."""
        if model._meta.model_name == "tag":
            return {"event": self.existing(Event), "value": f"new:{uuid4()}", "type": "x"}
        if model._meta.model_name == "idempotencykey":
            return {"key": str(uuid4()), "positions": [], "position": 0, "recorded_at": timezone.now()}
        plain = {"type": "x", "version": 1, "data": {}, "metadata": {}, "tags": []}
        return {"id": uuid4(), "recorded_at": timezone.now(), **plain}

    def new(self, model: type[models.Model]) -> models.Model:
        """A row of the model that the database has not seen."""
        return model(**self.values(model))

    def changed(self, model: type[models.Model]) -> models.Model:
        """A row that the database has, with another value."""
        row = self.existing(model)
        for name, value in self.change(model).items():
            setattr(row, name, value)
        return row

    def change(self, model: type[models.Model]) -> dict[str, Any]:
        """One field of the model with another value."""
        return {"position": 99} if model._meta.model_name == "idempotencykey" else {"type": "other"}

    def rows(self, model: type[models.Model]) -> Any:
        """The rows of the model."""
        return model._default_manager.using(self.using)


def stored(using: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the log, by plain SQL."""
    found = {}
    with connections[using].cursor() as cursor:
        for table, order in TABLES.items():
            cursor.execute(f"SELECT * FROM {table} ORDER BY {order}")
            found[table] = cursor.fetchall()
    return found


@pytest.fixture
def log(store: Store) -> Facts:
    events = [Proposed(Noted("first"), tags=("t:1",)), Proposed(Noted("second"), tags=("t:2",))]
    append(events, idempotency_key="k", using=store.using)
    return Facts(store.using)


@pytest.fixture
def facts(log: Facts) -> Iterator[Facts]:
    """A log that holds after the test what it held before, whatever was tried."""
    before = stored(log.using)
    assert [len(rows) for rows in before.values()] == [2, 2, 1]
    yield log
    assert stored(log.using) == before


def bare(facts: Facts, model: type[models.Model]) -> Any:
    """A QuerySet of Django's own class, which none of the managers hands out."""
    return QuerySet(model, using=facts.using)


Way = Callable[[Facts, type[models.Model]], object]


def bypasses(
    facts: Facts,
    ways: Mapping[str, Way],
    refusals: tuple[type[Exception], ...] = (AppendOnlyViolation,),
    on: tuple[type[models.Model], ...] = MODELS,
) -> list[str]:
    """The ways that were not refused, or by another error; A19 counts them, and there must be none."""
    found = []
    for model in on:
        for name, way in ways.items():
            before = stored(facts.using)
            try:
                way(facts, model)
            except refusals as refusal:
                if isinstance(refusal, DatabaseError) and ADVICE not in str(refusal):
                    found.append(f"{model.__name__} {name}: {refusal!r}")
            except Exception as error:
                found.append(f"{model.__name__} {name}: {error!r}")
            else:
                found.append(f"{model.__name__} {name}: let through")
            if stored(facts.using) != before:
                found.append(f"{model.__name__} {name}: the rows are others")
    return found


MAKING: dict[str, Way] = {
    "save()": lambda facts, model: facts.new(model).save(using=facts.using),
    "save(force_insert)": lambda facts, model: facts.new(model).save(using=facts.using, force_insert=True),
    "save_base()": lambda facts, model: facts.new(model).save_base(using=facts.using),
    "save_base(force_insert)": lambda f, m: f.new(m).save_base(using=f.using, force_insert=True),
    "save_base(raw)": lambda facts, model: facts.new(model).save_base(raw=True, using=facts.using),
    "create()": lambda facts, model: facts.rows(model).create(**facts.values(model)),
    "get_or_create()": lambda facts, model: facts.rows(model).get_or_create(**facts.values(model)),
    "update_or_create()": lambda facts, model: facts.rows(model).update_or_create(**facts.values(model)),
    "bulk_create()": lambda facts, model: facts.rows(model).bulk_create([facts.new(model)]),
    "bulk_create(ignore_conflicts)": lambda facts, model: facts.rows(model).bulk_create(
        [facts.new(model)], ignore_conflicts=True
    ),
    "bulk_create() of the base manager": lambda facts, model: model._base_manager.using(
        facts.using
    ).bulk_create([facts.new(model)]),
    "create() of the base manager": lambda facts, model: model._base_manager.using(facts.using).create(
        **facts.values(model)
    ),
    "create() of a filtered QuerySet": lambda facts, model: (
        facts.rows(model).filter(pk__isnull=False).create(**facts.values(model))
    ),
    "bulk_create() of a bare QuerySet": lambda facts, model: bare(facts, model).bulk_create(
        [facts.new(model)]
    ),
    "create() of a bare QuerySet": lambda facts, model: bare(facts, model).create(**facts.values(model)),
    "get_or_create() of a bare QuerySet": lambda facts, model: bare(facts, model).get_or_create(
        **facts.values(model)
    ),
}

CHANGING: dict[str, Way] = {
    "save()": lambda facts, model: facts.changed(model).save(),
    "save(update_fields)": lambda facts, model: facts.changed(model).save(
        update_fields=[*facts.change(model)]
    ),
    "save(force_update)": lambda facts, model: facts.changed(model).save(force_update=True),
    "save_base()": lambda facts, model: facts.changed(model).save_base(using=facts.using),
    "save_base(raw)": lambda facts, model: facts.changed(model).save_base(raw=True, using=facts.using),
    "update()": lambda facts, model: facts.rows(model).update(**facts.change(model)),
    "update() of no rows": lambda facts, model: facts.rows(model).none().update(**facts.change(model)),
    "update() of a filtered QuerySet": lambda facts, model: (
        facts.rows(model).filter(pk=facts.existing(model).pk).order_by("pk").update(**facts.change(model))
    ),
    "update() of the base manager": lambda facts, model: model._base_manager.using(facts.using).update(
        **facts.change(model)
    ),
    "update_or_create()": lambda facts, model: facts.rows(model).update_or_create(
        pk=facts.existing(model).pk, defaults=facts.change(model)
    ),
    "bulk_update()": lambda facts, model: facts.rows(model).bulk_update(
        [facts.changed(model)], [*facts.change(model)]
    ),
    "bulk_update() of a bare QuerySet": lambda facts, model: bare(facts, model).bulk_update(
        [facts.changed(model)], [*facts.change(model)]
    ),
    "bulk_create(update_conflicts)": lambda facts, model: facts.rows(model).bulk_create(
        [facts.changed(model)],
        update_conflicts=True,
        update_fields=[*facts.change(model)],
        unique_fields=["pk"],
    ),
    "bulk_create(update_conflicts) of a bare QuerySet": lambda facts, model: bare(facts, model).bulk_create(
        [facts.changed(model)],
        update_conflicts=True,
        update_fields=[*facts.change(model)],
        unique_fields=["pk"] if facts.using != "mariadb" else None,
    ),
}

DELETING: dict[str, Way] = {
    "delete() of a row": lambda facts, model: facts.existing(model).delete(),
    "delete() of a QuerySet": lambda facts, model: facts.rows(model).all().delete(),
    "delete() of a filtered QuerySet": lambda facts, model: (
        facts.rows(model).filter(pk=facts.existing(model).pk).delete()
    ),
    "delete() of the base manager": lambda facts, model: (
        model._base_manager.using(facts.using).all().delete()
    ),
    "_raw_delete()": lambda facts, model: facts.rows(model).all()._raw_delete(facts.using),
}

ASYNC: dict[str, Way] = {
    "asave() of a new row": lambda facts, model: async_to_sync(facts.new(model).asave)(using=facts.using),
    "asave()": lambda facts, model: async_to_sync(facts.changed(model).asave)(),
    "adelete() of a row": lambda facts, model: async_to_sync(facts.existing(model).adelete)(),
    "acreate()": lambda facts, model: async_to_sync(facts.rows(model).acreate)(**facts.values(model)),
    "aget_or_create()": lambda facts, model: async_to_sync(facts.rows(model).aget_or_create)(
        **facts.values(model)
    ),
    "aupdate_or_create()": lambda facts, model: async_to_sync(facts.rows(model).aupdate_or_create)(
        pk=facts.existing(model).pk, defaults=facts.change(model)
    ),
    "abulk_create()": lambda facts, model: async_to_sync(facts.rows(model).abulk_create)([facts.new(model)]),
    "abulk_update()": lambda facts, model: async_to_sync(facts.rows(model).abulk_update)(
        [facts.changed(model)], [*facts.change(model)]
    ),
    "aupdate()": lambda facts, model: async_to_sync(facts.rows(model).aupdate)(**facts.change(model)),
    "adelete() of a QuerySet": lambda facts, model: async_to_sync(facts.rows(model).all().adelete)(),
}


def tag_rows(facts: Facts) -> Any:
    return facts.existing(Event).tag_rows  # type: ignore[attr-defined]


def unsaved_tag() -> Tag:
    return Tag(value="new:1", type="x")


def tag_of_the_other_event(facts: Facts) -> Any:
    return facts.rows(Tag).order_by("pk").last()


RELATED: dict[str, Way] = {
    "create()": lambda facts, _: tag_rows(facts).create(value="new:1", type="x"),
    "get_or_create()": lambda facts, _: tag_rows(facts).get_or_create(value="new:1", type="x"),
    "update_or_create()": lambda facts, _: tag_rows(facts).update_or_create(value="new:1", type="x"),
    "update_or_create() of its tag": lambda facts, _: tag_rows(facts).update_or_create(
        value="t:1", defaults={"type": "other"}
    ),
    "bulk_create()": lambda facts, _: tag_rows(facts).bulk_create([unsaved_tag()]),
    "add() of another's tag": lambda facts, _: tag_rows(facts).add(tag_of_the_other_event(facts)),
    "add(bulk=False)": lambda facts, _: tag_rows(facts).add(unsaved_tag(), bulk=False),
    "set()": lambda facts, _: tag_rows(facts).set([tag_of_the_other_event(facts)]),
    "update()": lambda facts, _: tag_rows(facts).update(type="other"),
    "delete()": lambda facts, _: tag_rows(facts).all().delete(),
    "acreate()": lambda facts, _: async_to_sync(tag_rows(facts).acreate)(value="new:1", type="x"),
    "aadd()": lambda facts, _: async_to_sync(tag_rows(facts).aadd)(tag_of_the_other_event(facts)),
}


def delete_by_collector(facts: Facts, model: type[models.Model]) -> None:
    collector = Collector(using=facts.using)
    collector.collect([facts.existing(model)])
    collector.delete()


def update_by_query(facts: Facts, model: type[models.Model]) -> None:
    query = UpdateQuery(model)
    query.add_update_values(facts.change(model))
    query.get_compiler(facts.using).execute_sql("no results")


#: What goes round the QuerySet of the model reaches the triggers.
UNDER_THE_MANAGER: dict[str, Way] = {
    "update() of a bare QuerySet": lambda facts, model: bare(facts, model).update(**facts.change(model)),
    "delete() of a bare QuerySet": lambda facts, model: bare(facts, model).delete(),
    "_raw_delete() of a bare QuerySet": lambda facts, model: bare(facts, model)._raw_delete(facts.using),
    "_update()": lambda facts, model: (
        facts.rows(model)
        .filter(pk=facts.existing(model).pk)
        ._update([(model._meta.get_field(name), None, value) for name, value in facts.change(model).items()])
    ),
    "Collector": delete_by_collector,
    "UpdateQuery": update_by_query,
    "DeleteQuery": lambda facts, model: DeleteQuery(model).delete_batch(
        [facts.existing(model).pk], facts.using
    ),
}


@on_databases("default", "postgres", "mariadb")
def test_no_orm_path_makes_a_row(facts: Facts) -> None:
    assert bypasses(facts, MAKING) == []


@on_databases("default", "postgres", "mariadb")
def test_no_orm_path_changes_a_row(facts: Facts) -> None:
    assert bypasses(facts, CHANGING) == []


@on_databases("default", "postgres", "mariadb")
def test_no_orm_path_deletes_a_row(facts: Facts) -> None:
    assert bypasses(facts, DELETING) == []


@on_databases("default", "postgres", "mariadb")
def test_the_asynchronous_methods_are_refused_too(facts: Facts) -> None:
    assert bypasses(facts, ASYNC) == []


@on_databases("default", "postgres", "mariadb")
def test_the_related_manager_of_an_event_makes_and_changes_no_tags(facts: Facts) -> None:
    assert bypasses(facts, RELATED, on=(Tag,)) == []


@on_databases("default", "postgres", "mariadb")
def test_what_goes_round_the_manager_is_refused_by_the_triggers(facts: Facts) -> None:
    assert bypasses(facts, UNDER_THE_MANAGER, (AppendOnlyViolation, DatabaseError)) == []


def fixture_of(rows: list[models.Model]) -> str:
    return str(serializers.serialize("json", rows))


def saved_by_deserialize(facts: Facts, rows: list[models.Model]) -> None:
    for each in serializers.deserialize("json", fixture_of(rows), using=facts.using):
        each.save(using=facts.using)


@on_databases("default", "postgres", "mariadb")
def test_deserialized_rows_are_not_saved(facts: Facts) -> None:
    ways: dict[str, Way] = {
        "deserialize() of a new row": lambda facts, model: saved_by_deserialize(facts, [facts.new(model)]),
        "deserialize() of a changed row": lambda f, model: saved_by_deserialize(f, [f.changed(model)]),
        "deserialize() of the same row": lambda f, model: saved_by_deserialize(f, [f.existing(model)]),
    }
    assert bypasses(facts, ways) == []


@on_databases("default", "postgres", "mariadb")
def test_loaddata_loads_no_facts(facts: Facts, tmp_path: Path) -> None:
    def load(rows: list[models.Model]) -> None:
        (tmp_path / "facts.json").write_text(fixture_of(rows))
        call_command("loaddata", tmp_path / "facts.json", database=facts.using, verbosity=0)

    ways: dict[str, Way] = {
        "loaddata of a new row": lambda facts, model: load([facts.new(model)]),
        "loaddata of a changed row": lambda facts, model: load([facts.changed(model)]),
        "loaddata of what dumpdata wrote": lambda facts, model: load([facts.existing(model)]),
    }
    assert bypasses(facts, ways) == []


@on_databases("default", "postgres", "mariadb")
@isolate_apps("tests")
def test_a_proxy_of_a_model_is_no_way_round_it(facts: Facts) -> None:
    class EventOfMine(Event):
        class Meta:
            proxy = True
            app_label = "tests"

    assert bypasses(facts, {**MAKING, **CHANGING, **DELETING, **ASYNC}, on=(EventOfMine,)) == []


@on_databases("default", "postgres", "mariadb")
def test_the_models_that_a_migration_sees_make_and_change_no_rows(facts: Facts) -> None:
    historical = MigrationLoader(connections[facts.using]).project_state().apps
    models_then = (historical.get_model("factos", "Event"), historical.get_model("factos", "IdempotencyKey"))
    ways = {name: way for name, way in {**MAKING, **CHANGING, **DELETING}.items() if "bare" not in name}
    assert bypasses(facts, ways, (AppendOnlyViolation, DatabaseError), on=models_then) == []


@on_databases("default", "postgres", "mariadb")
def test_only_the_very_rows_that_the_test_database_was_made_with_are_put_back(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = facts.existing(Event), facts.new(Event)
    snapshot = json.dumps([{"model": "factos.event", "pk": first.pk * 10, "fields": {}}])
    monkeypatch.setattr(connections[facts.using], "_test_serialized_contents", snapshot, raising=False)
    other.pk = first.pk
    with pytest.raises(AppendOnlyViolation):
        other.save_base(raw=True, using=facts.using)


@on_databases("default", "postgres", "mariadb")
def test_a_refusal_says_what_to_do_instead(facts: Facts) -> None:
    with pytest.raises(AppendOnlyViolation, match=r"Event: create\(\) is refused. .*store.append"):
        facts.rows(Event).create(**facts.values(Event))
    with pytest.raises(AppendOnlyViolation, match=r"Tag: update\(\) is refused. .*append a fact"):
        facts.rows(Tag).update(type="other")
    with pytest.raises(AppendOnlyViolation, match=r"Event: bulk_update\(\) is refused. .*append a fact"):
        bare(facts, Event).bulk_update([facts.changed(Event)], ["type"])


@on_databases("default", "postgres", "mariadb")
def test_reading_is_not_refused(facts: Facts) -> None:
    event = facts.existing(Event)
    same, made = facts.rows(Event).get_or_create(pk=event.pk, defaults=facts.values(Event))
    assert (same, made) == (event, False)
    assert [tag.value for tag in tag_rows(facts).all()] == ["t:1"]
    assert facts.rows(Event).filter(tag__value="t:2", data__text="second").count() == 1
    assert [each.event.text for each in read(Query.all(), using=facts.using)] == ["first", "second"]


# Raw SQL, which only the triggers see


KEYS = {"factos_event": "position", "factos_tag": "id", "factos_idempotencykey": "idempotency_key"}
CHANGED = {
    "factos_event": "type = 'x'",
    "factos_tag": "value = 'x'",
    "factos_idempotencykey": "position = 99",
}
COLUMNS = {
    "factos_event": "position, id, type, version, data, metadata, decision, tags, recorded_at",
    "factos_tag": "id, event_id, value, type",
    "factos_idempotencykey": "idempotency_key, fingerprint, positions, position, recorded_at",
}

EVERYWHERE = (
    "UPDATE {table} SET {change}",
    "UPDATE {table} SET {key} = {key}",
    "UPDATE {table} SET {change} WHERE {key} IN (SELECT {key} FROM (SELECT {key} FROM {table}) AS all_of_it)",
    "DELETE FROM {table}",
    "DELETE FROM {table} WHERE {key} IS NOT NULL",
)
BY_VENDOR = {
    "sqlite": (
        "UPDATE OR IGNORE {table} SET {change}",
        "UPDATE OR REPLACE {table} SET {change}",
        "INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}",
        "REPLACE INTO {table} SELECT * FROM {table}",
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE true "
        "ON CONFLICT ({key}) DO UPDATE SET {change}",
    ),
    "postgresql": (
        "TRUNCATE {table}",
        "TRUNCATE factos_event, factos_tag, factos_idempotencykey",
        "TRUNCATE {table} CASCADE",
        "TRUNCATE {table} RESTART IDENTITY",
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} "
        "ON CONFLICT ({key}) DO UPDATE SET {change}",
        "WITH gone AS (DELETE FROM {table} RETURNING *) SELECT count(*) FROM gone",
    ),
    "mysql": (
        "UPDATE IGNORE {table} SET {change}",
        "DELETE IGNORE FROM {table}",
        "DELETE LOW_PRIORITY QUICK FROM {table}",
        "REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}",
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} ON DUPLICATE KEY UPDATE {change}",
        "DELETE {table} FROM {table} JOIN (SELECT 1) AS one",
    ),
}


def execute(sql: str, using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(sql)


def refusal_of(sql: str, using: str) -> str:
    try:
        execute(sql, using)
    except DatabaseError as error:
        return str(error)
    return "let through"


@on_databases("default", "postgres", "mariadb")
@pytest.mark.parametrize("table", TABLES)
def test_the_database_refuses_to_change_or_delete_rows_and_says_what_to_do(facts: Facts, table: str) -> None:
    vendor = connections[facts.using].vendor
    before, bypassed = stored(facts.using), []
    for template in (*EVERYWHERE, *BY_VENDOR[vendor]):
        sql = template.format(table=table, change=CHANGED[table], key=KEYS[table], columns=COLUMNS[table])
        answer = refusal_of(sql, facts.using)
        if ADVICE not in answer or stored(facts.using) != before:
            bypassed.append(f"{sql}: {answer}")
    assert bypassed == []


@on_databases("default")
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT OR REPLACE INTO factos_event (id, type, version, data, metadata, tags, recorded_at) "
        "SELECT id, 'x', 1, '{}', '{}', '[]', recorded_at FROM factos_event LIMIT 1",
        "REPLACE INTO factos_tag (event_id, value, type) SELECT event_id, value, type FROM factos_tag",
        "REPLACE INTO factos_idempotencykey (rowid, idempotency_key, positions, position, recorded_at) "
        "SELECT rowid, 'x', '[]', 0, recorded_at FROM factos_idempotencykey",
    ],
    ids=["event-id", "tag-unique-together", "key-rowid"],
)
def test_sqlite_replaces_no_row_by_another_unique_column(facts: Facts, sql: str) -> None:
    assert ADVICE in refusal_of(sql, facts.using)


@on_databases("default", "postgres", "mariadb")
@pytest.mark.parametrize("table", TABLES)
def test_a_raw_insert_is_the_administrators_and_let_through(log: Facts, table: str) -> None:
    fresh = {
        "factos_event": ("id", "'01234567-89ab-4def-8123-456789abcdef'"),
        "factos_tag": ("value", "'new:1'"),
        "factos_idempotencykey": ("idempotency_key", "'new'"),
    }
    column, value = fresh[table]
    if log.using != "default" and column == "id":
        value = f"CAST({value} AS uuid)"
    others = [each for each in COLUMNS[table].split(", ") if each not in {KEYS[table], column}]
    before = len(stored(log.using)[table])
    execute(
        f"INSERT INTO {table} ({', '.join([column, *others])}) "
        f"SELECT {', '.join([value, *others])} FROM {table} ORDER BY {KEYS[table]} LIMIT 1",
        log.using,
    )
    assert len(stored(log.using)[table]) == before + 1
    (recorded,) = append([Noted("after it")], using=log.using)
    assert recorded.position == max(row[0] for row in stored(log.using)["factos_event"])
