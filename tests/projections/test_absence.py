"""Which tables of projections a database does not have."""

from __future__ import annotations

from typing import Any

from django.db import connections, models
from django.test.utils import isolate_apps

from factos_django.projections.absence import absent_tables
from tests.ledger.models import Balance, Turnover
from tests.stores import Store, on_databases


def table(name: str) -> type[models.Model]:
    """A model whose table has this name."""

    with isolate_apps("tests.ledger"):

        class Kept(models.Model):  # noqa: DJ008
            class Meta:
                app_label = "ledger"
                db_table = name

    return Kept


@on_databases("default", "postgres", "mariadb")
def test_tables_are_absent_that_the_database_does_not_have(store: Store) -> None:
    kept: list[type[models.Model]] = [Balance, table("not_here"), Turnover, table("gone")]
    assert absent_tables(kept, store.using) == ["gone", "not_here"]


@on_databases("postgres")
def test_a_table_of_another_schema_is_not_told_to_be_absent(store: Store) -> None:
    assert absent_tables([table('"elsewhere"."kept"')], store.using) == []


@on_databases("default")
def test_a_server_that_ignores_case_lists_other_names_than_the_model(store: Store, monkeypatch: Any) -> None:
    capital = table("LEDGER_Balance")
    features = connections[store.using].features
    monkeypatch.setattr(type(features), "ignores_table_name_case", False, raising=False)
    assert absent_tables([capital], store.using) == ["LEDGER_Balance"]
    monkeypatch.setattr(type(features), "ignores_table_name_case", True, raising=False)
    assert absent_tables([capital], store.using) == []
