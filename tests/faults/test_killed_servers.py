"""A15, A16, A31: the server is killed under load. What it acknowledged survives, at its durable defaults."""

from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from django.db import OperationalError, close_old_connections, connections, transaction

from factos_django import OutcomeUnknown, Query
from factos_django.store import append, head, read
from tests.faults.actors import actor, counted
from tests.faults.facts import new, three, unless
from tests.faults.outlasting import OUTLASTED, die, outlast
from tests.faults.servers import on_own_servers, own_server, program
from tests.guards.sessions import until
from tests.scratch import second_session

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

ALL = {"events": 3, "tags": 6, "keys": 1}
NOTHING = {"events": 0, "tags": 0, "keys": 0}


def assert_good(report, wanted):
    assert not report.deaths, str(report)
    assert not report.faults, str(report)
    assert not wanted.lacking(report.evidence), f"{wanted.lacking(report.evidence)}: {report}"


@on_own_servers()
def test_what_a_server_acknowledged_survives_its_kill_and_the_clients_go_on(store, tmp_path):
    with own_server(store.using) as server:
        assert_good(outlast(store, tmp_path, partial(die, server, store.using)), OUTLASTED)


#: What is not flushed at a commit is flushed every ten seconds, or when there is much of it.
SELDOM = {
    "postgres": ["wal_writer_delay=10s", "wal_writer_flush_after=1GB"],
    "mariadb": ["innodb_flush_log_at_timeout=10"],
}
#: A commit is not flushed either.
UNFLUSHED = {
    "postgres": [*SELDOM["postgres"], "synchronous_commit=off"],
    "mariadb": [*SELDOM["mariadb"], "innodb_flush_log_at_trx_commit=0"],
}


@on_own_servers()
def test_a_server_that_does_not_flush_loses_the_last_facts_and_no_others(store, tmp_path):
    lost = 0
    for attempt in range(5):  # a kill may come at a moment when all is flushed
        with own_server(store.using, *UNFLUSHED[store.using]) as server:
            directory = tmp_path / str(attempt)
            directory.mkdir()
            report = outlast(store, directory, partial(die, server, store.using), flushes=False)
        assert_good(report, replace(OUTLASTED, outlived=0, readings=0))
        if lost := report.evidence.lost:
            break
    assert lost


@on_own_servers()
def test_a_connection_that_outlives_its_server_gives_one_clean_error(store):
    with own_server(store.using) as server:
        append(new("hall"), using=store.using)
        server.restart(store.using)
        with pytest.raises((OperationalError, OutcomeUnknown)):  # a statement by itself could have been run
            append(new("hall"), using=store.using)
        close_old_connections()  # as Django does when a request ends
        append(new("hall"), using=store.using)
        assert counted(store.using)["events"] == 2


@on_own_servers()
def test_after_one_error_a_process_that_serves_no_requests_appends_again(store):
    with own_server(store.using) as server:
        append(new("hall"), using=store.using)
        server.restart(store.using)
        with pytest.raises((OperationalError, OutcomeUnknown)):
            append(new("hall"), using=store.using)
        append(new("hall"), using=store.using)
        assert counted(store.using)["events"] == 2


def draw_and_roll_back(using):
    """Draw positions that no flushed log knows of: PostgreSQL notes 32 ahead, and these are the next."""
    if using == "postgres":
        ((ahead,),) = rows(using, "SELECT log_cnt FROM factos_event_position_seq")
        append(new("hall") * ahead, using=using)
        rows(using, "SELECT pg_switch_wal()")  # whole pages are written sooner, and this page is new
    with transaction.atomic(using=using):
        append(three("hall"), using=using)
        transaction.set_rollback(True, using=using)


def rows(using, sql):
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@on_own_servers()
def test_after_a_kill_facts_are_recorded_above_all_that_exist(store):
    with own_server(store.using, *SELDOM[store.using]) as server:
        last = append(three("hall"), using=store.using)[-1].position
        draw_and_roll_back(store.using)
        server.restart(store.using)
        connections[store.using].close()
        assert head(store.using) >= last
        (later,) = append(new("hall"), using=store.using)
        assert later.position > last
        assert head(store.using) == later.position


@on_own_servers()
def test_after_a_kill_nothing_is_recorded_below_a_head_that_was_told(store):
    """G4: positions that were drawn and rolled back may be drawn again, and a head may not have told them."""
    with own_server(store.using, *SELDOM[store.using]) as server:
        append(three("hall"), using=store.using)
        draw_and_roll_back(store.using)
        told = head(store.using)
        server.restart(store.using)
        connections[store.using].close()
        (later,) = append(new("hall"), using=store.using)
        assert later.position > told


def commit_slowly(using):
    """Append under a key, and tell what came of it."""

    def work(pipe):
        try:
            pipe.send([each.position for each in append_three(using)])
        except OutcomeUnknown:
            pipe.send("unknown")
        close_old_connections()
        pipe.recv()
        pipe.send([each.position for each in append_three(using)])

    return work


def append_three(using):
    return append(three("hall"), condition=unless("hall"), idempotency_key="hall-1", using=using)


@contextmanager
def stopped_after_the_flush(server, store):
    """COMMIT is on disk, and waits for a standby that never comes."""
    server.restart(store.using, "synchronous_standby_names=nobody")
    yield "SyncRep"


@contextmanager
def stopped_before_the_flush(server, store):
    """COMMIT waits in a deferred trigger."""
    with second_session(store.using) as cursor:
        cursor.execute(
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END'"
        )
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER stop AFTER INSERT ON factos_event INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION stop()"
        )
        cursor.execute("SELECT pg_advisory_lock(1)")
        yield "advisory"


def await_commit(using, wait_event):
    """Return when somebody waits for this at the end of an append."""
    ending = "query = 'COMMIT' OR query LIKE '%%factos_append_%%'"  # which may be a transaction by itself
    asked = f"SELECT count(*) FROM pg_stat_activity WHERE ({ending}) AND wait_event = %s"

    def is_seen():
        cursor.execute(asked, [wait_event])
        return cursor.fetchone() == (1,)

    with second_session(using) as cursor:
        until(is_seen, f"a COMMIT that waits for {wait_event}")


@pytest.mark.parametrize(
    ("stopped", "left"), [(stopped_after_the_flush, ALL), (stopped_before_the_flush, NOTHING)]
)
@on_own_servers("postgres")
def test_a_kill_during_commit_leaves_all_or_nothing_and_the_same_key_tells(store, stopped, left):
    with (
        own_server(store.using) as server,
        stopped(server, store) as wait_event,
        actor(commit_slowly(store.using)) as writer,
    ):
        await_commit(store.using, wait_event)
        server.restart(store.using, "wal_level=replica")
        assert writer.hear() == "unknown"
        connections[store.using].close()
        assert counted(store.using) == left
        writer.tell("again")
        positions = writer.hear()
        assert [each.position for each in read(Query.all(), using=store.using)] == positions
        assert counted(store.using) == ALL


def test_without_the_programs_of_a_server_its_tests_are_skipped_and_in_ci_they_fail(monkeypatch):
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed"):
        program("no-such-server")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-server is not installed"):
        program("no-such-server")
