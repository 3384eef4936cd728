"""Rebuilds of tables that are hard to compute beside themselves: every column, odd names, keys that spill."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, connections

from factos_django import Query, QueryItem, RebuildFailed, View
from factos_django.models import ParkedEvent
from factos_django.projections import catch_up
from factos_django.projections.rebuilding import check, rebuild
from factos_django.store import append
from tests.ledger.domain import Closed, Deposited, Transferred
from tests.ledger.factos import balances
from tests.ledger.models import Balance
from tests.oddities.facts import Noted, NoteState, Seated, declared, desks, note, notes, seats
from tests.oddities.models import Choir, Desk, Note, Seat
from tests.projections.ledgers import in_place
from tests.stores import on_databases

MODES = pytest.mark.parametrize("mode", ["inline", "async"])

#: What a hand does to each column of the row "a".
EDITS = {
    "text": "'ä'",
    "short": "short + 1",
    "amount": "amount + 0.01",
    "share": "share + 0.0000001",
    "is_read": "NOT is_read",
    "day": "'2020-02-29'",
    "hour": "'12:30:00.000002'",
    "moment": "'2026-01-01 12:00:00.000002'",
    "length": {"postgres": "length + interval '1 microsecond'", "": "length + 1"},
    "token": "'00000000000000000000000000000009'",
    "facts": """'{"last": [3, null, "Ä"]}'""",
    "blob": {"postgres": "'\\x00'::bytea", "": "X'00'"},
    "perhaps": "NULL",
    "factos_position": "factos_position + 1",
}


def execute(using, sql):
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def rows_of(model, using):
    fields = [field.attname for field in model._meta.concrete_fields]
    rows = [dict(zip(fields, row, strict=True)) for row in model.objects.using(using).values_list(*fields)]
    for row in rows:
        row.pop("id", None)  # the database counts it
        if "blob" in row:
            row["blob"] = bytes(row["blob"])
    return sorted(rows, key=repr)


def staging_tables(using):
    return [name for name in connections[using].introspection.table_names() if "factos_stage" in name]


def noted(using):
    append([Noted("a", 1), Noted("b", 2), Noted("B", 3), Noted("ä", 4), Noted("a", 2)], using=using)
    append([Noted("b", -1), Noted("b ", 5), Noted("b", 6)], using=using)
    catch_up(using=using)


@on_databases()
def test_an_edit_by_hand_of_any_column_is_found_and_put_right(store):
    using = store.using
    with declared(notes):
        noted(using)
        before = rows_of(Note, using)
        assert len(before) == 5
        assert check("oddities.notes", using=using).is_right
        for column, edit in EDITS.items():
            name = Note._meta.get_field(column).column
            edit_note_a(using, name, edit if isinstance(edit, str) else edit.get(store.using, edit[""]))
            assert rows_of(Note, using) != before, column
            (found,) = check("oddities.notes", using=using).sample
            assert (found.kind, found.key, list(found.is_now)) == ("different", ("a",), [name])
            assert rebuild("oddities.notes", using=using).counts.different == 1, column
            assert rows_of(Note, using) == before, column


def edit_note_a(using, column, value):
    quote = connections[using].ops.quote_name
    table, key = quote(Note._meta.db_table), quote("Select From")
    execute(using, f"UPDATE {table} SET {quote(column)} = {value} WHERE {key} = 'a'")


@on_databases()
@MODES
def test_a_table_with_a_surrogate_key_a_computed_column_and_a_foreign_key_is_computed_again(store, mode):
    using = store.using
    choir = Choir.objects.using(using).create(name="tenors").pk
    with declared(seats, mode=mode):
        append([Seated("x", 1, "ada", choir), Seated("x", 2, "bob"), Seated("X", 1, None)], using=using)
        append([Seated("x", 1, None), Seated("x", 2, "bea")], using=using)
        catch_up(using=using)
        before = rows_of(Seat, using)
        assert [row["next_number"] for row in before if row["hall"] == "X"] == [2]
        assert check("oddities.seats", using=using).is_right
        execute(using, "DELETE FROM oddities_seat")
        assert rebuild("oddities.seats", using=using).counts.missing == 3
        assert rows_of(Seat, using) == before


@on_databases()
def test_rows_that_exchange_a_value_that_is_unique_are_put_right(store):
    using = store.using
    with declared(seats, mode="inline"):
        append([Seated("x", 1, "ada"), Seated("x", 2, "bob"), Seated("x", 3, "cyd")], using=using)
        before = rows_of(Seat, using)
        for number, holder in ((1, None), (2, "ada"), (1, "bob"), (3, None)):
            said = "NULL" if holder is None else f"'{holder}'"
            execute(using, f"UPDATE oddities_seat SET holder = {said} WHERE number = {number}")
        columns = "hall, number, holder, factos_position"
        execute(using, f"INSERT INTO oddities_seat ({columns}) VALUES ('x', 4, 'cyd', 1)")
        counts = rebuild("oddities.seats", using=using).counts
        assert (counts.missing, counts.extra, counts.different) == (0, 1, 3)
        assert rows_of(Seat, using) == before


@on_databases()
@MODES
def test_no_row_is_written_over_one_of_another_key_whose_value_is_unique(store, mode):
    using = store.using
    with declared(desks, mode=mode):
        append([Seated("x", 1, "ada"), Seated("x", 2, "bob")], using=using)
        catch_up(using=using)
        append([Seated("x", 1, "eve"), Seated("x", 2, "cyd"), Seated("x", 1, "bob")], using=using)
        catch_up(using=using)
        assert list(Desk.objects.using(using).order_by("number").values_list("label", flat=True)) == [
            "bob",
            "cyd",
        ]
        assert check("oddities.desks", using=using).is_right


@on_databases()
@MODES
def test_a_rebuild_whose_rows_break_a_constraint_leaves_the_old_ones(store, mode):
    using = store.using
    with declared(desks, mode=mode):
        append([Seated("x", 1, "ada")], using=using)
        catch_up(using=using)
        append([Seated("x", 2, "ada"), Seated("x", 3, "cyd")], using=using)
        catch_up(using=using)  # stops
        before = rows_of(Desk, using)
        with pytest.raises(IntegrityError):
            rebuild("oddities.desks", using=using)
        assert rows_of(Desk, using) == before
        assert len(before) == 1
        assert staging_tables(using) == []


@on_databases()
@MODES
def test_rows_that_outgrow_the_memory_are_the_same(store, mode, settings):
    settings.FACTOS_REBUILD_MEMORY_BYTES = 1
    using = store.using
    with declared(notes, mode=mode):
        for number in range(6):  # each account dies, spills, and is born again
            append([Noted(title, number) for title in "abcdef"], using=using)
            append([Noted(title, -1) for title in "ace"[number % 3 :]], using=using)
        catch_up(using=using)
        before = rows_of(Note, using)
        assert check("oddities.notes", batch_size=3, using=using).is_right
        execute(using, f"DELETE FROM {connections[using].ops.quote_name(Note._meta.db_table)}")
        assert rebuild("oddities.notes", batch_size=1, using=using).counts.missing == len(before)
        assert rows_of(Note, using) == before
        assert staging_tables(using) == []


@on_databases()
@MODES
def test_a_key_in_another_form_is_the_same_row(store, mode):
    def key(recorded):
        return recorded.event.number  # a number, where the column holds text

    def start(title):
        return NoteState(title)

    with declared(notes, mode=mode, key=key, start=start):
        append([Noted("a", 7), Noted("b", 7), Noted("c", 7)], using=store.using)
        catch_up(using=store.using)
        (row,) = rows_of(Note, store.using)
        assert (row["title"], row["short"]) == ("7", 21)
        assert check("oddities.notes", using=store.using).is_right


@on_databases()
@MODES
def test_an_empty_log_has_no_rows_and_those_that_are_there_are_extra(store, mode):
    with declared(notes, mode=mode):
        assert rebuild("oddities.notes", using=store.using).counts.all == 0
        assert check("oddities.notes", using=store.using).position == 0
    columns = "account, amount, moves, factos_position"
    execute(store.using, f"INSERT INTO ledger_balance ({columns}) VALUES ('a', 0, 0, 1)")
    assert rebuild("ledger.balances", using=store.using).counts.extra == 1
    assert not Balance.objects.using(store.using).exists()


@on_databases()
@MODES
def test_a_query_of_several_items_with_tags_folds_each_fact_once(store, mode):
    items = [QueryItem(types=[Noted], tags=["kind:old", "note:a"]), QueryItem(tags=["kind:old"])]
    with declared(notes, mode=mode, query=Query.of(*items)):
        for kind in ("old", "new", "old"):
            append([Noted("a", 1, kind), Noted("b", 2, kind)], using=store.using)
        catch_up(using=store.using)
        before = rows_of(Note, store.using)
        assert [row["short"] for row in before] == [2, 4]
        assert check("oddities.notes", batch_size=1, using=store.using).is_right
        edit_note_a(store.using, "short", "99")
        assert rebuild("oddities.notes", using=store.using).counts.different == 1
        assert rows_of(Note, store.using) == before


@on_databases()
def test_a_state_that_cannot_be_stored_is_told_with_the_position_of_its_fact(store):
    using = store.using
    _, bad = append([Noted("a", 1), Noted("a", 40_000)], using=using)
    with declared(notes), pytest.raises(RebuildFailed, match="short") as raised:
        rebuild("oddities.notes", using=using)
    assert raised.value.position == bad.position
    assert staging_tables(using) == []


@on_databases()
@MODES
def test_a_state_that_cannot_be_stored_is_parked_by_a_rebuild_as_it_was(store, mode):
    using = store.using
    with declared(notes, mode=mode, on_error="park"):
        bad = append([Noted("a", 1), Noted("a", 40_000), Noted("a", 2)], using=using)[1]
        append([Noted("a", 3)], using=using)
        catch_up(using=using)
        before = rows_of(Note, using)
        assert before[0]["short"] == 6
        assert [each.position for each in ParkedEvent.objects.using(using)] == [bad.position]
        assert check("oddities.notes", using=using).is_right
        outcome = rebuild("oddities.notes", using=using)
        assert (outcome.counts.all, outcome.parked) == (0, 1)
        assert [each.position for each in ParkedEvent.objects.using(using)] == [bad.position]


@on_databases()
def test_a_fact_that_cannot_be_folded_leaves_the_rows_as_they_were(store):
    def evolve(state, recorded):
        if recorded.event.number == 2:
            raise ValueError("not this one")
        return note.evolve(state, recorded)

    using = store.using
    with declared(notes):
        noted(using)
    before = rows_of(Note, using)
    with declared(notes, view=View(NoteState(""), evolve), version=2):
        with pytest.raises(RebuildFailed, match="not this one"):
            rebuild("oddities.notes", using=using)
        assert rows_of(Note, using) == before
        assert staging_tables(using) == []


@on_databases()
def test_all_rows_may_have_to_go(store):
    append([Deposited("a", 1), Deposited("b", 1), Transferred("a", "b", 1)], using=store.using)
    feed = balances.feed
    with in_place(replace(balances, version=2, feed=replace(feed, evolve=lambda state, recorded: None))):
        assert rebuild("ledger.balances", using=store.using).counts.extra == 2
    assert not Balance.objects.using(store.using).exists()
    assert rebuild("ledger.balances", using=store.using).counts.missing == 2
    append([Closed("a")], using=store.using)
    assert check("ledger.balances", using=store.using).is_right
