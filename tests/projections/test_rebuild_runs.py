"""C11 and what is in a rebuild's way: another one, an open append, a deadlock, a freeze."""

from contextlib import suppress
from dataclasses import replace

import pytest
from django.db import connections, transaction

from factos_django import (
    InsideTransaction,
    LeaseLost,
    Query,
    QueryItem,
    RebuildRunning,
    RetryTransaction,
    StoreBusy,
)
from factos_django.models import ProjectionRun, ProjectionState
from factos_django.projections import catch_up
from factos_django.projections.rebuilding import check, computing_rows, difference, rebuild
from factos_django.projections.rebuilding.computing_rows import _Rebuilding
from factos_django.projections.rebuilding.kept_tables import KeptTables
from factos_django.projections.states import needs_rebuild, state_of
from factos_django.store import append, head
from factos_django.workers.leases import database_now
from tests.faults.actors import actor
from tests.guards.sessions import under_tags, until
from tests.ledger.domain import Deposited, Transferred
from tests.ledger.factos import followed_balances
from tests.ledger.models import Balance, FollowedBalance
from tests.oddities.facts import Noted
from tests.projections.ledgers import in_place, some_history
from tests.projections.test_frozen_followers import pausing
from tests.stores import STORES, on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

INLINE, ASYNC = "ledger.balances", "ledger.followed_balances"
TABLES = {INLINE: Balance, ASYNC: FollowedBalance}


def rows_of(model, using):
    rows = model.objects.using(using).order_by("account")
    return list(rows.values_list("account", "amount", "moves", "factos_position"))


def lose_rows(model, using):
    with connections[using].cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table}")


def staging_tables(using):
    return [each for each in connections[using].introspection.table_names() if "factos_stage" in each]


def rebuilding(using, name, target, method):
    """Rebuild, pausing after ``method``; say the outcome."""

    def work(pipe):
        pausing(pipe, target, method, after=True)
        try:
            pipe.send(rebuild(name, using=using).counts)
        except LeaseLost:
            pipe.send("lost")

    return work


@on_databases()
@pytest.mark.parametrize("name", [INLINE, ASYNC])
def test_the_second_of_two_rebuilds_says_who_runs(store, name):
    using = store.using
    some_history(using)
    catch_up(using=using)
    with actor(rebuilding(using, name, _Rebuilding, "stage")) as first:
        assert first.hear() == "here"
        with pytest.raises(RebuildRunning) as raised:
            check(name, using=using)
        assert f":{first.process.pid}:" in str(raised.value)
        first.tell("go on")
        assert first.hear().all == 0
    assert rebuild(name, using=using).counts.all == 0


@on_databases("postgres", "mariadb")
def test_a_second_rebuild_does_not_wait_for_the_transaction_of_a_long_one(store, settings):
    settings.FACTOS_FOLLOW_LEASE_SECONDS = 1
    with actor(rebuilding(store.using, "ledger.followed_entries", KeptTables, "empty")) as first:
        assert first.hear() == "here"
        rows = ProjectionRun.objects.using(store.using)
        with suppress(LeaseLost), pytest.raises(RebuildRunning):
            rebuild("ledger.followed_entries", using=store.using)
        assert rows.get(pk="ledger.followed_entries").worker.split(":")[1] == str(first.process.pid)


@on_databases()
@pytest.mark.parametrize("name", [INLINE, ASYNC])
def test_one_that_was_silent_for_too_long_is_replaced_and_leaves_its_successor_alone(store, name, settings):
    settings.FACTOS_FOLLOW_LEASE_SECONDS = 1
    using, model = store.using, TABLES[name]
    some_history(using)
    catch_up(using=using)
    before = rows_of(model, using)
    lose_rows(model, using)
    work = rebuilding(using, name, _Rebuilding, "stage")
    with actor(work) as first:
        assert first.hear() == "here"
        until(lambda: is_due(using, name), "the end of the claim")
        settings.FACTOS_FOLLOW_LEASE_SECONDS = 60
        with actor(work) as second:
            assert second.hear() == "here"
            first.tell("go on")
            assert first.hear() == "lost"
            assert rows_of(model, using) == []
            second.tell("go on")
            assert second.hear().missing == len(before)
    assert rows_of(model, using) == before
    assert staging_tables(using) == []


def is_due(using, name):
    return ProjectionRun.objects.using(using).get(pk=name).leased_until <= database_now(using)


@on_databases()
@pytest.mark.parametrize("name", [INLINE, ASYNC])
def test_a_swap_that_the_database_breaks_off_is_done_again_and_counts_each_fact_once(
    store, name, monkeypatch, settings
):
    settings.FACTOS_REBUILD_MEMORY_BYTES = 1
    using, model, left = store.using, TABLES[name], [2]
    some_history(using)
    catch_up(using=using)
    before, apply = rows_of(model, using), difference.apply

    def breaking(staging):
        apply(staging)
        if left:
            left.pop()
            raise RetryTransaction(using=using, reason="deadlock detected")

    monkeypatch.setattr(difference, "apply", breaking)
    monkeypatch.setattr(computing_rows, "_PAUSES", (0.0, 0.0))
    # As if all facts had come meanwhile: each try folds them, and those that are broken off are undone.
    monkeypatch.setattr(_Rebuilding, "stage", lambda self: self.recomputed.flush())
    lose_rows(model, using)
    rebuild(name, batch_size=3, using=using)
    assert not left
    assert rows_of(model, using) == before


@on_databases("postgres")
def test_a_head_that_goes_back_takes_nothing_back(store, monkeypatch):
    using = store.using
    some_history(using)
    catch_up(ASYNC, using=using)
    before, last = rows_of(FollowedBalance, using), head(using)
    said = iter([last, last - 3, last - 1])
    monkeypatch.setattr(computing_rows, "head", lambda using: next(said))
    monkeypatch.setattr(computing_rows, "_FEW", 0)
    ProjectionState.objects.using(using).filter(pk=ASYNC).update(position=0)
    assert rebuild(ASYNC, using=using).position == last
    assert ProjectionState.objects.using(using).get(pk=ASYNC).position == last
    assert rows_of(FollowedBalance, using) == before


@under_tags
@pytest.mark.parametrize("ends", ["commit", "rollback"])
@pytest.mark.parametrize("name", [INLINE, ASYNC])
def test_a_row_above_the_head_survives_the_swap_which_waits_for_the_open_append(store, session, name, ends):
    using = store.using
    append([Deposited("a", 1)], using=using)
    catch_up(using=using)
    unrelated, worker = session("unrelated"), session("worker")
    unrelated.begin()
    unrelated.run(lambda: append([Noted("x", 1)], using=using))
    (recorded,) = append([Deposited("b", 5)], using=using)
    assert head(using) < recorded.position
    done = worker.start(rebuild, name, using=using)
    if name == INLINE:
        worker.see_waiting(by=unrelated)
    else:
        assert done.result(10).position < recorded.position
    getattr(unrelated, ends)()
    assert done.result(10).counts.all == 0
    catch_up(using=using)
    assert [row[:3] for row in amounts(TABLES[name], using)] == [("a", 1, 1), ("b", 5, 1)]
    assert check(name, using=using).is_right


@on_databases("postgres", "mariadb")
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_what_an_open_append_adds_to_a_row_that_is_put_right_is_not_lost(store, session, ends):
    using = store.using
    append([Deposited("a", 1)], using=using)
    with connections[using].cursor() as cursor:
        cursor.execute("UPDATE ledger_balance SET moves = 7")
    writer, worker = session("writer"), session("worker")
    writer.begin()
    writer.run(lambda: append([Deposited("a", 10)], using=using))
    done = worker.start(rebuild, INLINE, using=using)
    worker.see_waiting()
    getattr(writer, ends)()
    assert done.result(10).counts.different == 1
    assert amounts(Balance, using) == [("a", 11, 2) if ends == "commit" else ("a", 1, 1)]


def amounts(model, using):
    return list(model.objects.using(using).order_by("account").values_list("account", "amount", "moves"))


@under_tags
def test_a_swap_gives_way_to_others_while_an_append_stays_open(store, session, settings, monkeypatch):
    using = store.using
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 0.3
    monkeypatch.setattr(computing_rows, "_PAUSES", (0.1,) * 50)
    append([Deposited("a", 1)], using=using)
    unrelated, worker, other = session("unrelated"), session("worker"), session("other")
    unrelated.begin()
    unrelated.run(lambda: append([Noted("x", 1)], using=using))
    done, busy, passed = worker.start(rebuild, INLINE, using=using), 0, 0
    while passed < 3:
        try:
            other.run(lambda: append([Deposited("b", 1)], using=using))
            passed += 1
        except StoreBusy:
            busy += 1
            assert busy < 20
    assert not done.done()
    unrelated.commit()
    assert done.result(20).counts.all == 0
    assert amounts(Balance, using) == [("a", 1, 1), ("b", 3, 3)]


@on_databases("postgres", "mariadb")
def test_the_server_ends_the_swap_of_one_that_is_frozen(store, settings):
    settings.FACTOS_FOLLOW_LEASE_SECONDS = 1
    using = store.using
    some_history(using)
    before = rows_of(Balance, using)
    lose_rows(Balance, using)

    def work(pipe):
        pausing(pipe, difference, "apply", after=True)
        with suppress(Exception):
            rebuild(INLINE, using=using)
        pipe.send("ended")

    with actor(work) as frozen:
        assert frozen.hear() == "here"
        frozen.freeze()
        until(lambda: appended(using), "an append that is let through")
        assert rows_of(Balance, using) == [("w", 1, 1, head(using))]
        assert rebuild(INLINE, using=using).counts.missing == len(before)
        frozen.tell("go on")
        frozen.thaw()
        assert frozen.hear() == "ended"
    assert [row for row in rows_of(Balance, using) if row[0] != "w"] == before
    assert check(INLINE, using=using).is_right


def appended(using):
    try:
        return bool(append([Deposited("w", 1)], using=using))
    except StoreBusy:
        return False


@on_databases()
def test_a_version_or_a_query_that_changed_is_cleared_by_a_rebuild(store):
    using = store.using
    some_history(using)
    catch_up(using=using)
    changed = replace(
        followed_balances, version=2, query=Query.of(*followed_balances.query.items, QueryItem(types=[Noted]))
    )
    for projection in (replace(followed_balances, version=2), changed):
        with in_place(projection):
            assert needs_rebuild(projection, state_of(ASYNC, using))
            rebuild(ASYNC, tag="account:a", using=using)
            assert needs_rebuild(projection, state_of(ASYNC, using))  # one entity's rows are not all
            rebuild(ASYNC, using=using)
            assert not needs_rebuild(projection, state_of(ASYNC, using))


@on_databases()
def test_it_refuses_to_run_inside_a_transaction(store):
    with transaction.atomic(using=store.using), pytest.raises(InsideTransaction):
        rebuild(INLINE, using=store.using)


CASES = [pytest.param(s, id=s.id, marks=pytest.mark.django_db(databases=[s.using])) for s in STORES]


@pytest.mark.parametrize("store", CASES, indirect=True)
@pytest.mark.parametrize("name", [INLINE, ASYNC, "ledger.entries"])
def test_it_runs_inside_the_transaction_of_a_test_case_where_tables_can_be_made_there(store, name):
    using = store.using
    some_history(using)
    catch_up(using=using)
    if using == "mariadb":
        with pytest.raises(InsideTransaction):
            rebuild(name, using=using)
        return
    model = TABLES.get(name, Balance)
    before = rows_of(model, using)
    lose_rows(model, using)
    append([Transferred("a", "c", 1)], using=using)
    catch_up(using=using)
    rebuild(name, using=using)
    assert check(name, using=using).is_right
    if name in TABLES:
        assert {row[0] for row in rows_of(model, using)} == {row[0] for row in before} | {"c"}
