"""What a check finds, what ``tag`` repairs, and that what is not deterministic is found out."""

import os
import random
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connections

from factos_django import InvalidQuery, InvalidTag, ProjectionElsewhere, UnknownProjection, View
from factos_django.models import ProjectionState
from factos_django.projections import catch_up
from factos_django.projections.rebuilding import check, rebuild
from factos_django.store import append
from tests.ledger.domain import Closed, Deposited, Transferred
from tests.ledger.factos import turnovers
from tests.ledger.models import Balance, FollowedBalance
from tests.oddities.facts import Noted, NoteState, declared, note, notes
from tests.projections.ledgers import some_history
from tests.stores import on_databases

TABLES = {"ledger.balances": Balance, "ledger.followed_balances": FollowedBalance}


def execute(using, sql):
    with connections[using].cursor() as cursor:
        cursor.execute(sql)


def rows_of(model, using):
    rows = model.objects.using(using).order_by("account")
    return {each[0]: each[1:] for each in rows.values_list("account", "amount", "moves", "factos_position")}


def by_the_clock(state, recorded):
    after = note.evolve(state, recorded)
    return after and replace(after, moment=datetime.now(UTC))


def by_chance(state, recorded):
    after = note.evolve(state, recorded)
    return after and replace(after, text=str(random.random()))


@on_databases()
@pytest.mark.parametrize("evolve", [by_the_clock, by_chance])
def test_a_view_that_looks_at_the_clock_or_throws_dice_is_found(store, evolve):
    using = store.using
    with declared(notes, view=View(NoteState(""), evolve)):
        append([Noted("a", 1), Noted("b", 2)], using=using)
        catch_up(using=using)
        found = check("oddities.notes", using=using)
        assert (found.counts.different, found.counts.all) == (2, 2)
        rebuild("oddities.notes", using=using)
        assert not check("oddities.notes", using=using).is_right


_CHECK_SETS = """
import django
django.setup()
from factos_django import View
from factos_django.projections import catch_up
from factos_django.projections.rebuilding import check
from tests.oddities.facts import declared, note, notes
from tests.projections.test_check import by_the_order_of_a_set
from tests.oddities.facts import NoteState
from django.db import connections
connections["default"].settings_dict["NAME"] = {name!r}
with declared(notes, view=View(NoteState(""), by_the_order_of_a_set)):
    {work}
"""


def by_the_order_of_a_set(state, recorded):
    after = note.evolve(state, recorded)
    return after and replace(after, text=" ".join({*state.text.split(), *"abcdefghij"}))


def in_a_process(seed, work, using):
    source = _CHECK_SETS.format(name=str(connections[using].settings_dict["NAME"]), work=work)
    environment = os.environ | {"PYTHONHASHSEED": str(seed), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@on_databases("default")
def test_a_view_that_goes_by_the_order_of_a_set_is_found_by_another_process(store):
    append([Noted("a", 1), Noted("b", 2)], using=store.using)
    in_a_process(1, "catch_up('oddities.notes')", store.using)
    said = [in_a_process(seed, "print(check('oddities.notes').is_right)", store.using) for seed in (1, 2)]
    assert said == ["True", "False"]


@on_databases()
def test_rebuilding_twice_gives_the_same_rows(store):
    using = store.using
    some_history(using)
    columns = [each.column for each in turnovers.feed.shape.columns]

    def dumped():
        with connections[using].cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(columns)} FROM ledger_turnover ORDER BY payer, payee")
            return cursor.fetchall()

    rebuild("ledger.turnovers", using=using)
    first = dumped()
    execute(using, "DELETE FROM ledger_turnover")
    rebuild("ledger.turnovers", using=using)
    assert dumped() == first
    assert len(first) == 2


@on_databases()
@pytest.mark.parametrize("name", TABLES)
def test_a_tag_repairs_the_rows_of_its_entity_and_no_other(store, name):
    using, model = store.using, TABLES[name]
    append([Deposited(each, 100) for each in "abcde"], using=using)
    append([Transferred("a", "b", 30), Transferred("c", "d", 5)], using=using)
    catch_up(using=using)
    before = rows_of(model, using)
    position = ProjectionState.objects.using(using).get(pk=name).position
    execute(using, f"UPDATE {model._meta.db_table} SET amount = amount + 1 WHERE account <> 'b'")
    execute(using, f"DELETE FROM {model._meta.db_table} WHERE account = 'b'")
    harmed = rows_of(model, using)
    assert check(name, tag="account:e", using=using).counts.all == 1
    found = check(name, tag="account:a", using=using)
    assert {each.key[0]: each.kind for each in found.sample} == {"a": "different", "b": "missing"}
    assert rebuild(name, tag="account:a", using=using).counts == found.counts
    assert rows_of(model, using) == harmed | {each: before[each] for each in "ab"}
    assert ProjectionState.objects.using(using).get(pk=name).position == position
    assert rebuild(name, tag="account:nobody", using=using).counts.all == 0
    append([Closed("a"), Transferred("b", "c", 1)], using=using)
    catch_up(using=using)
    assert rebuild(name, tag="account:b", using=using).counts.different == 1  # c
    assert "a" not in rows_of(model, using)


@on_databases()
def test_a_fact_that_was_parked_does_not_keep_a_tag_from_its_repair(store):
    def evolve(state, recorded):
        if recorded.event.number == 2:
            raise ValueError("not this one")
        return note.evolve(state, recorded)

    with declared(notes, mode="inline", on_error="park", view=View(NoteState(""), evolve)):
        append([Noted("a", 1), Noted("a", 2), Noted("a", 4)], using=store.using)
        assert check("oddities.notes", tag="note:a", using=store.using).is_right


@on_databases()
def test_what_cannot_be_checked_is_refused_in_words(store):
    with pytest.raises(InvalidQuery, match="which rows of the handler"):
        rebuild("ledger.entries", tag="account:a", using=store.using)
    with pytest.raises(InvalidTag):
        check("ledger.balances", tag="", using=store.using)
    with pytest.raises(UnknownProjection, match=r"ledger\.nothing"):
        check("ledger.nothing", using=store.using)


@on_databases()
def test_a_projection_whose_table_is_elsewhere_is_not_looked_for(store, settings):
    settings.DATABASE_ROUTERS = ["tests.projections.test_check.NowhereRouter"]
    with pytest.raises(ProjectionElsewhere):
        check("ledger.balances", using=store.using)


class NowhereRouter:
    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "ledger" else None


@on_databases()
def test_one_that_stopped_goes_on_after_its_rebuild(store):
    @dataclass
    class Temper:
        bad: bool = True

    temper = Temper()

    def evolve(state, recorded):
        if temper.bad and recorded.event.number == 2:
            raise ValueError("not now")
        return note.evolve(state, recorded)

    using = store.using
    for mode in ("inline", "async"):
        temper.bad = True
        name = f"oddities.{mode}"
        with declared(notes, name, mode=mode, view=View(NoteState(""), evolve)):
            append([Noted(mode, 1)], using=using)
            append([Noted(mode, 2)], using=using)
            append([Noted(mode, 3)], using=using)
            catch_up(name, using=using)
            assert ProjectionState.objects.using(using).get(pk=name).condition == "stopped"
            temper.bad = False
            assert rebuild(name, using=using).counts.all > 0
            state = ProjectionState.objects.using(using).get(pk=name)
            assert (state.condition, state.error) == ("running", "")
            append([Noted(mode, 4)], using=using)
            catch_up(name, using=using)
            assert check(name, using=using).is_right
