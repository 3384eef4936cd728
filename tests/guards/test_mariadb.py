"""A deadlock inside the caller's transaction on MariaDB rolls back all of it, not the savepoint alone."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError

from factos_django import RetryTransaction
from factos_django.dispatch import retrying
from tests.guards.conftest import Opener, Sql
from tests.guards.facts import add, everything_in, noted, tagged, weighing
from tests.guards.sessions import PATIENCE, Session
from tests.stores import Store, on_databases


def make_heavy(session: Session) -> None:
    """InnoDB gives up the transaction that has changed less."""
    session.run(session.log.append, [noted(str(n), "heavy") for n in range(30)])


@on_databases("mariadb")
def test_after_a_deadlock_the_callers_transaction_is_marked_for_rollback_and_nothing_half_is_stored(
    store: Store, session: Opener, sql: Sql
) -> None:
    """A8 and A9: who catches the error and goes on would commit the second half of his work."""
    a, b = session("a"), session("b")
    sql("INSERT INTO auth_group (name) VALUES ('row')")
    a.begin()
    make_heavy(a)

    def caller() -> None:
        with transaction.atomic(using=store.using):
            Group.objects.using(store.using).create(name="first half")
            Group.objects.using(store.using).filter(name="row").update(name="row")
            try:
                b.log.dispatch(add("decided", "t"), decider=weighing, query=tagged("t"))
            except RetryTransaction:
                assert connections[store.using].needs_rollback
                Group.objects.using(store.using).create(name="second half")

    waiting = b.start(caller)
    b.see_waiting(a)
    a.sql("UPDATE auth_group SET name = 'changed' WHERE name = 'row'")  # now each waits for the other
    assert isinstance(waiting.exception(PATIENCE), TransactionManagementError)
    a.commit()
    assert sql("SELECT name FROM auth_group") == [("changed",)]
    assert len(everything_in(store.using)) == 30
    assert b.run(b.log.append, [noted("usable", "t")])


@on_databases("mariadb")
def test_whoever_swallows_the_deadlock_commits_nothing(store: Store, session: Opener, sql: Sql) -> None:
    """A9: `try: append() except: pass`, and nothing after it."""
    a, b = session("a"), session("b")
    sql("INSERT INTO auth_group (name) VALUES ('row')")
    a.begin()
    make_heavy(a)

    def caller() -> None:
        with transaction.atomic(using=store.using):
            Group.objects.using(store.using).create(name="first half")
            Group.objects.using(store.using).filter(name="row").update(name="row")
            with pytest.raises(RetryTransaction):
                b.log.append([noted("decided", "t")])

    waiting = b.start(caller)
    b.see_waiting(a)
    a.sql("UPDATE auth_group SET name = 'changed' WHERE name = 'row'")
    waiting.exception(PATIENCE)
    a.commit()
    assert sql("SELECT name FROM auth_group") == [("changed",)]
    assert len(everything_in(store.using)) == 30


@on_databases("mariadb")
def test_the_owner_of_the_transaction_runs_it_again(store: Store, session: Opener, sql: Sql) -> None:
    """A7 and A8: @retrying, around the whole function with the caller's own rows in it."""
    a, b = session("a"), session("b")
    sql("INSERT INTO auth_group (name) VALUES ('row')")
    a.begin()
    make_heavy(a)
    runs: list[Any] = []

    @retrying(using=store.using)
    def caller() -> None:
        runs.append(None)
        Group.objects.using(store.using).create(name="mine")
        Group.objects.using(store.using).filter(name="row").update(name="row")
        b.log.dispatch(add("decided", "t"), decider=weighing, query=tagged("t"))

    waiting = b.start(caller)
    b.see_waiting(a)
    a.sql("UPDATE auth_group SET name = 'changed' WHERE name = 'row'")
    a.commit()
    waiting.result(PATIENCE)
    assert len(runs) == 2
    assert sorted(sql("SELECT name FROM auth_group")) == [("changed",), ("mine",)]
    assert [text for _, text in everything_in(store.using)][-1] == "decided"
