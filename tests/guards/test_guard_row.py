"""The guard row of the log: a lock of no row is no lock."""

import threading
from typing import Any

import pytest

from factos_django import AppendConditionFailed
from factos_django.models import LogGuard
from tests.guards.conftest import Opener, Sql
from tests.guards.facts import add, everything_in, noted, saw, since, tagged, weighing
from tests.guards.sessions import PATIENCE, Pause, under_log
from tests.stores import Store, on_databases


@on_databases()
def test_a_flushed_database_has_no_guard_row_and_the_first_append_makes_it(
    store: Store, session: Opener
) -> None:
    a = session("a")
    assert not LogGuard.objects.using(store.using).exists()
    a.run(a.log.append, [noted("first", "t")])
    assert LogGuard.objects.using(store.using).exists() is (store.guard == "log")


@on_databases("postgres", "mariadb")
def test_of_two_first_appends_one_waits_for_the_other(store: Store, session: Opener) -> None:
    """A6 and row 31: there is no row to lock yet."""
    a, b = session("a"), session("b")
    a.begin()
    (first,) = a.run(a.log.append, [noted("first", "t")], condition=since(tagged("t")))
    waiting = b.start(b.log.append, [noted("second", "t")], condition=since(tagged("t")))
    b.see_waiting(a)
    a.commit()
    with pytest.raises(AppendConditionFailed):
        waiting.result(PATIENCE)
    assert everything_in(store.using) == [(first.position, "first")]


@on_databases("mariadb")
def test_first_appends_that_all_found_no_row_do_not_deadlock(
    store: Store, session: Opener, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A6: two wait to insert it. INSERT IGNORE would let both share the row, and neither lock it."""
    settings.FACTOS_DISPATCH_ATTEMPTS = 1  # a retry would hide the deadlock
    a, b, c = session("a"), session("b"), session("c")
    pauses = {"session b": Pause(), "session c": Pause()}
    rows = type(LogGuard.objects.using(store.using))
    make = rows.bulk_create

    def make_late(self: Any, *args: Any, **kwargs: Any) -> Any:
        pauses.get(threading.current_thread().name.rpartition("_")[0], lambda: None)()
        return make(self, *args, **kwargs)

    monkeypatch.setattr(rows, "bulk_create", make_late)
    waiting = {
        each: each.start(each.log.dispatch, add(each.name, "t"), decider=weighing, query=tagged("t"))
        for each in (b, c)
    }
    for pause in pauses.values():
        pause.reached()  # both have locked no row
    a.begin()
    a.run(a.log.append, [noted("a", "t")])
    for pause in pauses.values():
        pause.go_on()
    b.see_waiting(a)
    c.see_waiting(a)
    a.commit()
    outcomes = [future.result(PATIENCE) for future in waiting.values()]
    assert sorted(len(saw(each)) for each in outcomes) == [1, 2]


@under_log
def test_a_row_deleted_while_an_append_waits_for_it_is_made_again(
    store: Store, session: Opener, sql: Sql
) -> None:
    """Row 31: the waiter gets 0 rows, and must not believe that it holds them."""
    a, b, c, holder = session("a"), session("b"), session("c"), session("holder")
    a.run(a.log.append, [noted("first", "t")])
    holder.begin()
    holder.sql("DELETE FROM factos_guard")
    b.begin()
    waiting = b.start(b.log.append, [noted("second", "t")])
    b.see_waiting(holder)
    holder.commit()
    waiting.result(PATIENCE)
    late = c.start(c.log.dispatch, add("third", "t"), decider=weighing, query=tagged("t"))
    c.see_waiting(b)
    b.commit()
    assert saw(late.result(PATIENCE)) == ("first", "second")
    assert sql("SELECT id FROM factos_guard") == [(1,)]


@under_log
def test_the_row_is_locked_besides_the_gate(store: Store, session: Opener) -> None:
    """On PostgreSQL the guard log takes both, so that it is one writer at a time whatever the gate does."""
    a, b = session("a"), session("b")
    a.run(a.log.append, [noted("first", "t")])
    a.begin()
    a.run(a.log.append, [noted("second", "t")])
    waiting = b.start(b.execute, "SELECT id FROM factos_guard FOR UPDATE")
    b.see_waiting(a)
    a.commit()
    assert waiting.result(PATIENCE) == [(1,)]
