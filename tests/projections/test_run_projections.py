"""``run_projections`` and ``factos_projections``, as processes of their own."""

import json
import signal
import sys

import pytest
from django.db import connections

from factos_django import NothingToSkip, RebuildFailed
from factos_django.models import ParkedEvent, ProjectionState
from factos_django.projections import catch_up, wait_for
from factos_django.projections.rebuilding import check, rebuild
from factos_django.projections.resuming import leave_out
from factos_django.store import append, head
from tests.children import child, manage
from tests.guards.sessions import until
from tests.ledger.domain import Deposited, Transferred
from tests.projections.ledgers import (
    BALANCES,
    ENTRIES,
    TURNOVERS,
    assert_rows_are_those_of_the_log,
    balances_in,
    deposit,
    failing_at,
    in_place,
    some_history,
    state,
)
from tests.stores import on_databases

FOLLOWERS = (BALANCES, TURNOVERS, ENTRIES)


def worker(using, *arguments, **settings):
    command = [sys.executable, "manage.py", "run_projections", "--database", using, *arguments]
    return child(*command, **settings)


def all_wait_for(position, using):
    for name in FOLLOWERS:
        wait_for(name, position, 60, using=using)


@on_databases()
def test_a_worker_follows_until_it_is_told_to_end_and_gives_its_leases_back(store):
    some_history(store.using)
    with worker(store.using, "--verbosity", "2") as daemon:
        all_wait_for(head(store.using), store.using)
        some_history(store.using)
        all_wait_for(head(store.using), store.using)
        daemon.send(signal.SIGTERM)
        assert daemon.end() == 0
    assert f"follows the log of {store.using}: " in daemon.output
    assert f"{BALANCES}: caught up" in daemon.output
    assert daemon.output.endswith("Ended.\n")
    assert_rows_are_those_of_the_log(store.using)
    assert not ProjectionState.objects.using(store.using).exclude(worker="").exists()


@on_databases("default")
def test_ctrl_c_ends_a_worker_too(store):
    with worker(store.using, BALANCES) as daemon:
        daemon.says("follows the log")
        wait_for(BALANCES, deposit(store.using)[0], 60, using=store.using)
        daemon.send(signal.SIGINT)
        assert daemon.end() == 0
    assert state(ENTRIES, store.using).position == 0  # it was not asked for


@on_databases("postgres")
def test_a_commit_wakes_a_worker_that_would_not_look_by_itself(store):
    with worker(store.using, FACTOS_POLL_SECONDS=100_000) as daemon:
        deposit(store.using)
        daemon.says("follows the log")
        for _ in range(3):
            until(lambda: is_idle(store.using), "the worker waiting")
            all_wait_for(deposit(store.using)[0], store.using)
        daemon.send(signal.SIGTERM)
        assert daemon.end() == 0
    assert_rows_are_those_of_the_log(store.using)


def is_idle(using):
    """Whether a session listens, and nobody has leased anything."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND state = 'idle'")
        (listening,) = cursor.fetchone()
    return listening and not ProjectionState.objects.using(using).exclude(worker="").exists()


@on_databases()
def test_several_workers_share_the_work_and_nothing_is_applied_twice(store):
    settings = {"FACTOS_FOLLOW_BATCH": 3, "FACTOS_POLL_SECONDS": 0.02}
    with worker(store.using, **settings) as first, worker(store.using, **settings) as second:
        for _ in range(6):
            some_history(store.using)
        all_wait_for(head(store.using), store.using)
        for each in (first, second):
            each.says("follows the log")  # the other one may have done it all
            each.send(signal.SIGTERM)
            assert each.end() == 0
    assert_rows_are_those_of_the_log(store.using)


@on_databases()
def test_when_a_worker_is_killed_another_one_goes_on_at_once(store):
    some_history(store.using)
    with worker(store.using) as first:
        all_wait_for(head(store.using), store.using)
        first.send(signal.SIGKILL)
        assert first.end() == -signal.SIGKILL
    some_history(store.using)
    with worker(store.using, FACTOS_FOLLOW_LEASE_SECONDS=100_000):
        all_wait_for(head(store.using), store.using)
    assert_rows_are_those_of_the_log(store.using)


@on_databases("postgres", "mariadb")
def test_a_worker_survives_the_loss_of_its_connections(store):
    with worker(store.using, FACTOS_POLL_SECONDS=0.05, FACTOS_FOLLOW_LEASE_SECONDS=100_000) as daemon:
        for _ in range(5):
            deposit(store.using)
            end_other_sessions(store.using)
        all_wait_for(deposit(store.using)[0], store.using)
        daemon.send(signal.SIGTERM)
        assert daemon.end() == 0
    assert_rows_are_those_of_the_log(store.using)


def end_other_sessions(using):
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return
        cursor.execute(
            "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
        )
        for (number,) in cursor.fetchall():
            cursor.execute(f"KILL {number}" if is_there(cursor, number) else "SELECT 1")


def is_there(cursor, number):
    cursor.execute("SELECT count(*) FROM information_schema.processlist WHERE id = %s", [number])
    return cursor.fetchone()[0]


def stop_the_balances(using):
    """Let the followed balances stop at a fact; return its position."""

    def raises(recorded):
        if isinstance(recorded.event, Transferred):
            raise LookupError("no such account")

    events = append([Deposited("a", 5), Transferred("a", "b", 2), Deposited("a", 1)], using=using)
    with in_place(failing_at(raises)):
        catch_up(BALANCES, using=using)
    return events[1].position


@on_databases()
def test_once_catches_up_and_says_by_its_exit_code_whether_all_is_well(store):
    some_history(store.using)
    done = manage("run_projections", "--once", "--database", store.using)
    assert done.returncode == 0, done.stderr
    assert f"{BALANCES}: caught up, 20 facts, at {head(store.using)}" in done.stdout.splitlines()
    assert_rows_are_those_of_the_log(store.using)
    stop_the_balances(store.using)
    done = manage("run_projections", "--once", "--database", store.using)
    assert (done.returncode, done.stderr) == (
        3,
        f"CommandError: {BALANCES} is stopped. See: manage.py factos_projections list\n",
    )
    assert state(ENTRIES, store.using).position == head(store.using)  # the others went on


@on_databases("default")
def test_once_is_refused_where_the_rows_are_of_a_newer_version(store):
    deposit(store.using)
    ProjectionState.objects.using(store.using).filter(pk=BALANCES).update(version=2)
    done = manage("run_projections", "--once", BALANCES)
    assert done.returncode == 1
    assert f"{BALANCES} is outdated" in done.stderr
    assert "restart" in done.stderr.lower()
    assert balances_in(store.using) == {}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run_projections", "ledger.balance"], 2, "No projection is registered as 'ledger.balance'"),
        (["run_projections", "ledger.balances"], 1, "its rows are written with the facts"),
        (["run_projections", "--database", "elsewhere"], 2, "invalid choice"),
        (["factos_projections", "skip", BALANCES], 1, "there is nothing to skip"),
        (["factos_projections", "resume", "ledger.balance"], 2, "No projection is registered"),
        (["factos_projections"], 2, "required"),
    ],
)
@on_databases("default")
def test_what_cannot_be_done_is_refused_with_a_reason(store, arguments, code, said):
    done = manage(*arguments)
    assert done.returncode == code
    assert said in done.stderr


@on_databases()
def test_a_stopped_projection_is_listed_and_resumed(store):
    bad = stop_the_balances(store.using)
    listed = manage("factos_projections", "list", "--json", "--database", store.using)
    (told,) = [each for each in json.loads(listed.stdout) if each["name"] == BALANCES]
    assert (told["condition"], told["failed_position"], told["error"]) == (
        "stopped",
        bad,
        "LookupError: no such account",
    )
    listed = manage("factos_projections", "list", "--database", store.using)
    assert "LookupError: no such account" in listed.stdout
    resumed = manage("factos_projections", "resume", BALANCES, "--database", store.using)
    assert (resumed.returncode, resumed.stdout) == (0, f"{BALANCES} goes on.\n")
    again = manage("factos_projections", "resume", BALANCES, "--json", "--database", store.using)
    assert json.loads(again.stdout) == {"name": BALANCES, "resumed": False}
    catch_up(using=store.using)
    assert_rows_are_those_of_the_log(store.using)


@on_databases()
def test_a_fact_that_is_skipped_is_parked_by_hand_and_the_projection_goes_on(store):
    bad = stop_the_balances(store.using)
    skipped = manage("factos_projections", "skip", BALANCES, "--json", "--database", store.using)
    assert skipped.returncode == 0, skipped.stderr
    assert json.loads(skipped.stdout)["skipped"] == bad
    (parked,) = ParkedEvent.objects.using(store.using).all()
    assert (parked.projection, parked.position, parked.by_hand) == (BALANCES, bad, True)
    assert state(BALANCES, store.using).position == bad
    catch_up(BALANCES, using=store.using)
    assert {account: row[0] for account, row in balances_in(store.using).items()} == {"a": 6}


@on_databases()
def test_a_fact_that_a_rebuild_cannot_fold_is_left_out_by_hand(store):
    using = store.using
    bad, good = deposit(using, account="bad")[0], deposit(using)[0]

    def raises(recorded):
        if recorded.event.account == "bad":
            raise LookupError("no such account")

    with in_place(failing_at(raises, mode="inline")):
        deposit(using, account="bad")  # stops it
        with pytest.raises(RebuildFailed, match=f"skip {BALANCES} --position {bad}"):
            rebuild(BALANCES, using=using)
        assert leave_out(BALANCES, bad, using=using).position == bad
        with pytest.raises(RebuildFailed) as second:
            rebuild(BALANCES, using=using)
        assert second.value.position > good
        skipped = manage(
            "factos_projections",
            "skip",
            BALANCES,
            "--position",
            str(second.value.position),
            "--database",
            using,
        )
        assert (skipped.returncode, "is rebuilt without" in skipped.stdout) == (0, True), skipped.stderr
        assert rebuild(BALANCES, using=using).parked == 2
        assert check(BALANCES, using=using).is_right
        deposit(using)
    assert {account: row[0] for account, row in balances_in(using).items()} == {"a": 2}


@on_databases()
def test_only_a_fact_of_the_projection_is_left_out(store):
    (position,) = deposit(store.using)
    for name, wrong in ((TURNOVERS, position), (BALANCES, position + 1)):
        with pytest.raises(NothingToSkip):
            leave_out(name, wrong, using=store.using)
    assert not ParkedEvent.objects.using(store.using).exists()


@pytest.mark.parametrize("command", ["resume", "skip"])
@on_databases("default")
def test_an_inline_projection_that_stopped_has_to_be_rebuilt(store, command):
    ProjectionState.objects.using(store.using).filter(pk="ledger.balances").update(
        condition="stopped", failed_position=1, failed_at="2026-01-01T00:00:00Z"
    )
    done = manage("factos_projections", command, "ledger.balances")
    assert done.returncode == 1
    assert "rebuild_projections ledger.balances" in done.stderr
    assert state("ledger.balances", store.using).condition == "stopped"


@on_databases("default")
@pytest.mark.parametrize("arguments", [["run_projections"], ["factos_projections", "list"]])
def test_a_command_without_tables_says_how_to_make_them(store, tmp_path, arguments):
    done = manage(*arguments, FACTOS_TEST_NAMES={"default": str(tmp_path / "empty.sqlite3")})
    assert done.returncode == 1
    assert "manage.py migrate --database default" in done.stderr
    assert "Traceback" not in done.stderr
