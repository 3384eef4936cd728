"""A projection model is read by everybody and written by its projection; what goes around is found later."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import F, QuerySet
from django.test.utils import isolate_apps

from factos_django import ProjectionWriteRefused
from factos_django.models import ProjectionModel
from factos_django.store import append
from tests.ledger.domain import Deposited
from tests.ledger.models import Balance, Specimen
from tests.stores import Store, flushed, on_databases

NEW = {"account": "new", "amount": 1, "moves": 1, "factos_position": 1}


def row() -> Balance:
    found: Balance = Balance.objects.get(pk="a")
    return found


def changed() -> Balance:
    found = row()
    found.amount = 99
    return found


#: Each way to write, with the operation that the refusal names.
WAYS: dict[str, tuple[Callable[[], Any], str]] = {
    "save of a new row": (lambda: Balance(**NEW).save(), "save()"),
    "save of a row": (lambda: changed().save(), "save()"),
    "save of some fields": (lambda: changed().save(update_fields=["amount"]), "save()"),
    "delete of a row": (lambda: row().delete(), "delete()"),
    "create": (lambda: Balance.objects.create(**NEW), "create()"),
    "get_or_create": (lambda: Balance.objects.get_or_create(pk="new", defaults=NEW), "create()"),
    "update_or_create of a row": (
        lambda: Balance.objects.update_or_create(pk="a", defaults={"amount": 9}),
        "save()",
    ),
    "update_or_create of none": (
        lambda: Balance.objects.update_or_create(pk="new", defaults=NEW),
        "create()",
    ),
    "bulk_create": (lambda: Balance.objects.bulk_create([Balance(**NEW)]), "bulk_create()"),
    "bulk_create that updates": (
        lambda: Balance.objects.bulk_create(
            [changed()], update_conflicts=True, unique_fields=["account"], update_fields=["amount"]
        ),
        "bulk_create()",
    ),
    "bulk_update": (lambda: Balance.objects.bulk_update([changed()], ["amount"]), "bulk_update()"),
    "update": (lambda: Balance.objects.filter(pk="a").update(amount=F("amount") + 1), "update()"),
    "delete of a query": (lambda: Balance.objects.all().delete(), "delete()"),
    "the base manager": (lambda: Balance._base_manager.update(amount=9), "update()"),
    "the default manager": (lambda: Balance._default_manager.all().delete(), "delete()"),
    "asave": (lambda: async_to_sync(changed().asave)(), "save()"),
    "adelete": (lambda: async_to_sync(row().adelete)(), "delete()"),
    "acreate": (lambda: async_to_sync(Balance.objects.all().acreate)(**NEW), "create()"),
    "aupdate": (lambda: async_to_sync(Balance.objects.all().aupdate)(amount=9), "update()"),
    "adelete of a query": (lambda: async_to_sync(Balance.objects.all().adelete)(), "delete()"),
    "abulk_create": (
        lambda: async_to_sync(Balance.objects.all().abulk_create)([Balance(**NEW)]),
        "bulk_create()",
    ),
    "abulk_update": (
        lambda: async_to_sync(Balance.objects.all().abulk_update)([changed()], ["amount"]),
        "bulk_update()",
    ),
    "aget_or_create": (
        lambda: async_to_sync(Balance.objects.all().aget_or_create)(pk="new", defaults=NEW),
        "create()",
    ),
}


@flushed("default")
@pytest.mark.parametrize(("write", "operation"), WAYS.values(), ids=WAYS)
def test_every_way_of_the_orm_to_write_a_row_is_refused(write: Callable[[], Any], operation: str) -> None:
    append([Deposited("a", 5)])
    before = list(Balance.objects.values())
    with pytest.raises(ProjectionWriteRefused) as refused:
        write()
    assert (refused.value.model, refused.value.operation) == ("ledger.Balance", operation)
    assert "rebuild_projections NAME" in str(refused.value)
    assert list(Balance.objects.values()) == before


RELATED: dict[str, Callable[[User, Specimen], Any]] = {
    "create": lambda user, row: user.specimen_set.create(key="new"),
    "add": lambda user, row: user.specimen_set.add(row),
    "add one by one": lambda user, row: user.specimen_set.add(row, bulk=False),
    "clear": lambda user, row: user.specimen_set.clear(),
    "remove": lambda user, row: user.specimen_set.remove(row),
    "set": lambda user, row: user.specimen_set.set([]),
    "update": lambda user, row: user.specimen_set.update(label="x"),
    "delete": lambda user, row: user.specimen_set.all().delete(),
}


@flushed("default")
@pytest.mark.parametrize("write", RELATED.values(), ids=RELATED)
def test_what_a_row_refers_to_cannot_write_it(write: Callable[[User, Specimen], Any]) -> None:
    user = User.objects.create(username="ada")
    # As a projection would: around the model.
    around: QuerySet[Specimen] = QuerySet(Specimen)
    around.bulk_create([Specimen(key="k", label="", text="", suit="", owner=user, factos_position=1)])
    with pytest.raises(ProjectionWriteRefused):
        write(user, Specimen.objects.get())
    assert Specimen.objects.get().owner == user


@on_databases("default", "postgres", "mariadb")
def test_everybody_reads_it(store: Store) -> None:
    *_, last = append([Deposited("a", 5), Deposited("b", 7)], using=store.using)
    rows = Balance.objects.using(store.using)
    assert rows.filter(amount__gt=5).get().account == "b"
    assert rows.get(pk="b").factos_position == last.position
    assert rows.count() == 2
    assert rows.in_bulk(["a"])["a"].amount == 5


def test_nobody_is_given_the_permission_to_change_it() -> None:
    assert Balance._meta.default_permissions == ("view",)
    assert not Balance._meta.get_field("factos_position").editable


def test_a_model_with_a_meta_of_its_own_refuses_as_well() -> None:
    with isolate_apps("tests.ledger"):

        class Own(ProjectionModel):
            class Meta:
                app_label = "ledger"

    for manager in (Own._base_manager, Own._default_manager):
        with pytest.raises(ProjectionWriteRefused):
            manager.update(factos_position=1)


# What goes around the model, a projection and its rebuild among it, cannot be refused here: a bare QuerySet,
# raw SQL, and fixtures, which write by save_base().


@flushed("default")
def test_fixtures_bare_querysets_and_raw_sql_go_around_it(tmp_path: Path) -> None:
    fixture = tmp_path / "balances.json"
    fields = {name: value for name, value in NEW.items() if name != "account"}
    fixture.write_text(json.dumps([{"model": "ledger.balance", "pk": "new", "fields": fields}]))
    call_command("loaddata", str(fixture), verbosity=0)
    assert Balance.objects.get().pk == "new"
    assert QuerySet(Balance).update(amount=9) == 1
