"""A11: a writer that is killed leaves all of an append or nothing of it, and is in nobody's way."""

import signal
from contextlib import contextmanager
from unittest import mock

import pytest
from django.contrib.auth.models import Group
from django.db import connections, transaction

from factos_django.guards import guard_for
from factos_django.store import announcing, append, read
from factos_django.store.backends import portable
from factos_django.store.backends.postgresql import ByFunctions
from tests.faults.actors import actor, counted, die
from tests.faults.facts import about, new, three, unless
from tests.history.evidence import ANY_PATHS, Wanted
from tests.history.run import Plan, run
from tests.insertions import inserting_in_a_transaction
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

NOTHING = {"events": 0, "tags": 0, "keys": 0}
ALL = {"events": 3, "tags": 6, "keys": 1}


def dying_after(function):
    def replacement(*args, **kwargs):
        function(*args, **kwargs)
        die()

    return replacement


def patched_to_die(target, name):
    return mock.patch.object(target, name, dying_after(getattr(target, name)))


@contextmanager
def failpoint(point, using):
    """Kill the process that enters it, at this point of its next append, which has a transaction."""
    with inserting_in_a_transaction(), _failpoint(point, using):
        yield


def _failpoint(point, using):
    on_postgresql = connections[using].vendor == "postgresql"  # where one call checks and inserts
    match point:
        case "after_guard":
            return patched_to_die(type(guard_for(using)), "hold")
        case "after_check" | "after_insert" | "after_key" if on_postgresql:
            return patched_to_die(ByFunctions, "append")
        case "after_check":
            return patched_to_die(portable, "_conflicts")
        case "after_insert":
            return patched_to_die(portable, "insert_events")
        case "after_key":
            return patched_to_die(portable, "insert_key")
        case "before_commit":
            return mock.patch.object(connections[using], "commit", die)
        case "after_commit":
            return patched_to_die(connections[using], "commit")


def append_three(using):
    return append(three("hall"), condition=unless("hall"), idempotency_key="hall-1", using=using)


def assert_killed(writer):
    with pytest.raises(EOFError):
        writer.hear()
    assert writer.end() == -signal.SIGKILL


def write_and_die(point, using):
    def work(pipe):
        with failpoint(point, using):
            append_three(using)
        pipe.send("it lives")

    return work


@pytest.mark.parametrize(
    ("point", "left"),
    [
        ("after_guard", NOTHING),
        ("after_check", NOTHING),
        ("after_insert", NOTHING),
        ("after_key", NOTHING),
        ("before_commit", NOTHING),
        ("after_commit", ALL),
    ],
)
@on_databases()
def test_a_writer_that_is_killed_leaves_all_or_nothing_and_the_next_one_goes_on(store, point, left):
    with actor(write_and_die(point, store.using)) as writer:
        assert_killed(writer)
    assert counted(store.using) == left
    repeated = append_three(store.using)  # waits until the database has noticed the death
    assert counted(store.using) == ALL
    assert list(read(about("hall"), using=store.using)) == list(repeated)
    append(new("hall"), using=store.using)


@on_databases("postgres")
def test_a_writer_that_is_killed_after_its_only_statement_has_recorded_all(store):
    def work(pipe):
        with patched_to_die(ByFunctions, "append"):
            append_three(store.using)
        pipe.send("it lives")

    with actor(work) as writer:
        assert_killed(writer)
    assert counted(store.using) == (ALL if store.guard == "tags" else NOTHING)  # by itself, or with its row


def append_beside_a_row(using):
    with transaction.atomic(using=using):
        Group.objects.using(using).create(name="those in the hall")
        return append_three(using)


def write_and_die_after(statements, using):
    """Die after so many statements, wherever that is."""

    def count_down(execute, *arguments):
        nonlocal statements
        result = execute(*arguments)
        statements -= 1
        if statements == 0:
            die()
        return result

    def work(pipe):
        with connections[using].execute_wrapper(count_down):
            append_beside_a_row(using)
        pipe.send("it lives")

    return work


def kill_after(statements, using):
    """Whether the writer was killed, and did not come to its end before."""
    with actor(write_and_die_after(statements, using)) as writer:
        try:
            return writer.hear() != "it lives"
        except EOFError:
            assert writer.end() == -signal.SIGKILL
            return True


@on_databases()
def test_after_whichever_statement_a_writer_is_killed_nothing_is_left_of_facts_and_rows(store, monkeypatch):
    monkeypatch.setattr(announcing, "WAKERS", [])  # after the commit followers are told, by a statement
    statements = 1
    while kill_after(statements, store.using):
        assert counted(store.using) == NOTHING, f"killed after statement {statements}"
        assert not Group.objects.using(store.using).exists(), f"killed after statement {statements}"
        statements += 1
    assert statements > 4
    assert counted(store.using) == ALL
    assert Group.objects.using(store.using).count() == 1


@on_databases("default")
def test_what_was_acknowledged_to_writers_survives_when_all_of_them_are_killed_at_once(store, tmp_path):
    scenes = {"operations": 0, "victims": 0, "freezes": 0, "alone": 3, "blackouts": 2}
    report = run(Plan(store.using, (store.guard,), writers=6, **scenes), tmp_path)
    wanted = Wanted(
        10, (0.02, 0.98), meetings=2, rollbacks=1, repetitions=0, stalled=0, acknowledged=10, **ANY_PATHS
    )
    assert not report.deaths, str(report)
    assert not report.faults, str(report)
    assert not wanted.lacking(report.evidence), f"{wanted.lacking(report.evidence)}: {report}"
