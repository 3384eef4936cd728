"""C9: a rebuild that is killed leaves the live rows as they were, and the next one runs through at once."""

import signal
from unittest import mock

import pytest
from django.db import connections

from factos_django.projections import catch_up, states
from factos_django.projections.rebuilding import check, computing_rows, difference, rebuild
from factos_django.projections.rebuilding.kept_tables import KeptTables
from factos_django.projections.rebuilding.replaying import Replay
from factos_django.store import append
from tests.faults.actors import actor, actors, die
from tests.ledger.domain import Deposited, Transferred
from tests.ledger.models import Balance, Entry, FollowedBalance, FollowedEntry
from tests.projections.ledgers import some_history
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

ROWS = {"ledger.balances": Balance, "ledger.followed_balances": FollowedBalance}
ENTRIES = {"ledger.entries": Entry, "ledger.followed_entries": FollowedEntry}


def dying_after(target, name):
    function = getattr(target, name)

    def replacement(*args, **kwargs):
        function(*args, **kwargs)
        die()

    return mock.patch.object(target, name, replacement)


def half_applied(using):
    """Die where rows are deleted, and those that take their place are not yet there."""
    execute = difference._Said.execute

    def replacement(said, sql):
        rows = execute(said, sql)
        if sql.startswith("DELETE"):
            die()
        return rows

    return mock.patch.object(difference._Said, "execute", replacement)


def before_commit(using):
    """Die when the swap has written all that it writes, instead of its COMMIT."""
    set_rebuilt = states.set_rebuilt

    def replacement(*args, **kwargs):
        set_rebuilt(*args, **kwargs)
        connections[using].commit = die

    return mock.patch.object(states, "set_rebuilt", replacement)


POINTS = {
    "staged": lambda using: dying_after(computing_rows._Rebuilding, "stage"),
    "difference begun": lambda using: dying_after(difference, "mark"),
    "half applied": half_applied,
    "before commit": before_commit,
}
POINTS_OF_HANDLERS = {
    "kept aside": lambda using: dying_after(KeptTables, "keep"),
    "emptied": lambda using: dying_after(KeptTables, "empty"),
    "written anew": lambda using: dying_after(Replay, "go_on"),
    "before commit": before_commit,
}


def assert_killed_at(points, point, name, using):
    def work(pipe):
        with points[point](using):
            rebuild(name, using=using)
        pipe.send("it lives")

    with actor(work) as worker:
        with pytest.raises(EOFError):
            worker.hear()
        assert worker.end() == -signal.SIGKILL, point


def writing(fact, using):
    """What appends until it is told to stop, and says how often it did."""

    def work(pipe):
        times = 0
        while not pipe.poll():
            append([fact], using=using)
            if not times:
                pipe.send("writing")
            times += 1
        pipe.send(times)

    return work


def execute(using, sql):
    with connections[using].cursor() as cursor:
        cursor.execute(sql)


def balances_but_of_writers(model, using):
    rows = model.objects.using(using).exclude(account="w").order_by("account")
    return list(rows.values_list("account", "amount", "moves", "factos_position"))


def amount_of_writers(model, using):
    return model.objects.using(using).filter(account="w").values_list("amount", "moves").first()


def staging_tables(using):
    return [each for each in connections[using].introspection.table_names() if "factos_stage" in each]


@on_databases()
@pytest.mark.parametrize("name", ROWS)
def test_a_killed_rebuild_of_rows_leaves_them_as_they_were_and_the_next_one_puts_them_right(store, name):
    using, model = store.using, ROWS[name]
    some_history(using)
    catch_up(using=using)
    right = balances_but_of_writers(model, using)
    table = model._meta.db_table
    execute(using, f"UPDATE {table} SET amount = amount + 1, factos_position = 1 WHERE account = 'a'")
    execute(using, f"DELETE FROM {table} WHERE account = 'b'")
    execute(using, f"INSERT INTO {table} (account, amount, moves, factos_position) VALUES ('zoe', 9, 9, 1)")
    harmed = balances_but_of_writers(model, using)
    assert len(right) == 2
    with actors(writing(Deposited("w", 1), using)) as (writer,):
        assert writer.hear() == "writing"
        for point in POINTS:
            assert_killed_at(POINTS, point, name, using)
            assert balances_but_of_writers(model, using) == harmed, point
            assert bool(staging_tables(using)) is (using != "default"), point
        counts = rebuild(name, using=using).counts  # at once, while the writer goes on
        writer.tell("stop")
        times = writer.hear()
    assert staging_tables(using) == []
    assert (counts.extra, balances_but_of_writers(model, using)) == (1, right)
    catch_up(using=using)
    assert amount_of_writers(model, using) == (times, times)
    assert check(name, using=using).is_right


@on_databases()
@pytest.mark.parametrize("name", ENTRIES)
def test_a_killed_rebuild_of_a_handler_leaves_its_table_as_it_was(store, name):
    using, model = store.using, ENTRIES[name]
    some_history(using)
    catch_up(using=using)
    rows = model.objects.using(using)
    right = list(rows.order_by("position").values_list("position", "amount"))
    execute(using, f"UPDATE {model._meta.db_table} SET amount = amount + 1 WHERE amount > 1")
    harmed = set(rows.values_list("position", "amount"))
    assert len(harmed) == len(right) > 7
    with actors(writing(Transferred("w", "v", 1000), using)) as (writer,):
        assert writer.hear() == "writing"
        for point in POINTS_OF_HANDLERS:
            assert_killed_at(POINTS_OF_HANDLERS, point, name, using)
            assert set(rows.filter(amount__lt=1000).values_list("position", "amount")) == harmed, point
        rebuild(name, using=using)
        writer.tell("stop")
        times = writer.hear()
    assert list(rows.filter(amount__lt=1000).order_by("position").values_list("position", "amount")) == right
    catch_up(using=using)
    assert rows.filter(amount=1000).count() == times
    assert check(name, using=using).is_right
