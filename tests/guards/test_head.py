"""The stable head on PostgreSQL: nothing that commits later lies below one that was read (G4)."""

from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction

from factos_django import AppendConditionFailed, Query, SequenceBehindLog, StandbyRefused
from factos_django.checks import check_database
from factos_django.sql.postgresql import GUARD_LOCKS, MARK_LOCKS, MOST_LOCKS_OF_TRANSACTION
from factos_django.store.heads import head
from tests.guards.conftest import Opener, SetSequence, Sql
from tests.guards.facts import add, everything_in, noted, saw, tagged, texts, weighing
from tests.guards.sessions import PATIENCE, Session, under_tags
from tests.stores import Store, on_databases

#: Makes a session see the shadows of functions and tables before the real ones.
SHADOWS = "SET search_path = shadow, public, pg_catalog"

_MARKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND pid = %s"


def marks_of(session: Session, sql: Sql) -> int:
    """How many marks the session holds."""
    return int(sql(_MARKS, MARK_LOCKS, session.pid)[0][0])


def follow(session: Session, after: int) -> tuple[int, list[int]]:
    """What a follower does: it reads up to the head, and remembers the head."""

    def step() -> tuple[int, list[int]]:
        head = session.log.head()
        return head, [
            each.position for each in session.log.read(Query.all(), after=after) if each.position <= head
        ]

    return session.run(step)


# A fresh sequence, a full one


@on_databases("postgres")
def test_the_head_of_a_log_that_never_drew_a_position_is_zero(
    store: Store, session: Opener, sequence: SetSequence
) -> None:
    """Row 1: a fresh or restarted sequence says 1 before it has given 1."""
    a, follower = session("a"), session("follower")
    sequence(1, False)
    assert follower.run(follower.log.head) == 0
    assert follower.run(follower.log.read_context, tagged("t"), weighing).position == 0
    a.begin()
    (first,) = a.run(a.log.append, [noted("first", "t")])
    assert first.position == 1
    assert follower.run(follower.log.head) == 0
    a.commit()
    assert follow(follower, after=0) == (1, [1])


@on_databases("postgres")
def test_a_condition_after_the_head_of_an_empty_log_sees_the_first_event(
    store: Store, session: Opener, sequence: SetSequence
) -> None:
    """Row 1, G2."""
    a, b = session("a"), session("b")
    sequence(1, False)
    context = b.run(b.log.read_context, tagged("t"), weighing)
    a.run(a.log.append, [noted("first", "t")])
    with pytest.raises(AppendConditionFailed):
        b.run(b.log.append, [noted("second", "t")], condition=context.append_condition)


@pytest.mark.parametrize("drawn", [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 2**31 - 1, 2**62])
@under_tags
def test_an_open_append_holds_the_head_at_any_height(
    store: Store, session: Opener, sequence: SetSequence, drawn: int
) -> None:
    """A mark holds 32 bits of a position."""
    a, b = session("a"), session("b")
    sequence(drawn, False)
    b.run(b.log.append, [noted("below", "u")])
    a.begin()
    (first,) = a.run(a.log.append, [noted("open", "t")])
    (second,) = b.run(b.log.append, [noted("other", "u")])
    assert (first.position, second.position) == (drawn + 1, drawn + 2)
    assert b.run(b.log.head) == drawn
    a.commit()
    assert b.run(b.log.head) == drawn + 2


@under_tags
def test_positions_that_were_rolled_back_are_no_head(store: Store, session: Opener) -> None:
    """A15: nobody flushed that they were drawn, so after a crash they are drawn again."""
    a, follower = session("a"), session("follower")
    (first,) = a.run(a.log.append, [noted("first", "t")])
    a.begin()
    a.run(a.log.append, [noted("given up", "t")])
    a.rollback()
    assert follower.run(follower.log.head) == first.position


# What holds the head


@under_tags
def test_a_follower_skips_nothing_while_an_earlier_append_is_open(store: Store, session: Opener) -> None:
    """G4, A17: the second append commits first."""
    a, b, follower = session("a"), session("b"), session("follower")
    a.begin()
    (first,) = a.run(a.log.append, [noted("first", "t")])
    (second,) = b.run(b.log.append, [noted("second", "u")])
    checkpoint, seen = follow(follower, after=0)
    assert (checkpoint < first.position, seen) == (True, [])
    a.commit()
    assert follow(follower, after=checkpoint) == (second.position, [first.position, second.position])


@under_tags
def test_a_prepared_transaction_holds_the_head(store: Store, session: Opener, shadowed: Sql) -> None:
    """Row 3: its locks have no pid, and `pid <> pg_backend_pid()` drops them."""
    a, b, follower = session("a"), session("b"), session("follower")
    if shadowed("SHOW max_prepared_transactions") == [("0",)]:
        # Its locks stay in pg_locks, without a pid: so the follower is told of a's.
        columns = "locktype, database, classid, objid, objsubid, NULL::integer AS pid"
        shadowed(f"CREATE VIEW shadow.pg_locks AS SELECT {columns} FROM pg_catalog.pg_locks")
        follower.sql(SHADOWS)
    a.begin()
    (first,) = a.run(a.log.append, [noted("prepared", "t")])
    if shadowed("SHOW max_prepared_transactions") != [("0",)]:
        a.sql("PREPARE TRANSACTION 'factos'")
    try:
        b.run(b.log.append, [noted("later", "u")])
        assert follower.run(follower.log.head) < first.position
    finally:
        if shadowed("SHOW max_prepared_transactions") != [("0",)]:
            shadowed("ROLLBACK PREPARED 'factos'")
    with suppress(Exception):
        a.rollback()


@on_databases("postgres")
def test_a_standby_is_refused(store: Store, session: Opener, shadowed: Sql) -> None:
    """Row 4: a standby has no advisory locks, so nothing would hold its head back."""
    shadowed("CREATE FUNCTION shadow.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'")
    a = session("a")
    a.sql(SHADOWS)
    with pytest.raises(StandbyRefused):
        a.run(a.log.head)
    with pytest.raises(StandbyRefused):
        a.run(lambda: list(a.log.read(Query.all())))


@on_databases("postgres")
def test_a_sequence_that_caches_is_found_by_a_check(store: Store, session: Opener, sql: Sql) -> None:
    """Row 5: with CACHE above 1 a session draws from its own store of positions, below others' marks."""
    assert "factos.E005" not in {message.id for message in check_database(None, [store.using])}
    for wrong in ("CACHE 20", "INCREMENT 2"):
        sql(f"ALTER SEQUENCE factos_event_position_seq {wrong}")
        try:
            messages = check_database(None, [store.using])
        finally:
            sql("ALTER SEQUENCE factos_event_position_seq CACHE 1 INCREMENT 1")
        assert "factos.E005" in {message.id for message in messages}


@under_tags
def test_the_mark_is_set_before_a_position_is_drawn(store: Store, session: Opener, shadowed: Sql) -> None:
    """Between a position drawn and its mark, a follower would pass it."""
    stop(shadowed, "nextval(regclass) RETURNS bigint", "RETURN pg_catalog.nextval($1);")
    a, b, gatekeeper = session("a"), session("b"), session("gatekeeper")
    before = b.run(b.log.head)
    with stopped(gatekeeper):
        a.sql(SHADOWS)
        waiting = a.start(a.log.append, [noted("slow", "t")])
        a.see_waiting(gatekeeper)  # about to draw
        b.run(b.log.append, [noted("quick", "u")])
        assert b.run(b.log.head) == before
    (slow,) = waiting.result(PATIENCE)
    assert b.run(b.log.head) == slow.position


@under_tags
def test_positions_are_drawn_after_every_shared_lock(store: Store, session: Opener, shadowed: Sql) -> None:
    """Drawn before them, a decision of the same tag could be made and recorded above them."""
    body = "RETURN pg_catalog.pg_try_advisory_xact_lock_shared($1, $2);"
    stop(shadowed, "pg_try_advisory_xact_lock_shared(integer, integer) RETURNS boolean", body)
    a, b, gatekeeper = session("a"), session("b"), session("gatekeeper")
    with stopped(gatekeeper):
        a.sql(SHADOWS)
        waiting = a.start(a.log.dispatch, add("slow", "t"), decider=weighing, query=tagged("other"))
        a.see_waiting(gatekeeper)  # about to share t
        decided = b.run(b.log.dispatch, add("decided", "t"), decider=weighing, query=tagged("t"))
    (slow,) = waiting.result(PATIENCE).events
    assert saw(decided) == ()
    assert slow.position > decided.position


@under_tags
def test_the_head_may_go_back_and_still_nothing_appears_below_one_that_was_read(
    store: Store, session: Opener, shadowed: Sql
) -> None:
    """Row 34: an appender stopped between the sequence's value and its mark."""
    body = "PERFORM pg_catalog.pg_advisory_xact_lock_shared($1, $2); RETURN;"
    stop(shadowed, "pg_advisory_xact_lock_shared(integer, integer) RETURNS void", body)
    a, b, gatekeeper = session("a"), session("b"), session("gatekeeper")
    with stopped(gatekeeper):
        a.sql(SHADOWS)
        a.begin()
        waiting = a.start(a.log.dispatch, add("slow", "t"), decider=weighing, query=tagged("t"))
        a.see_waiting(gatekeeper)  # has read the sequence, and has no mark
        (quick,) = b.run(b.log.append, [noted("quick", "u")])
        checkpoint, seen = follow(b, after=0)
        assert (checkpoint, seen) == (quick.position, [quick.position])
    (slow,) = waiting.result(PATIENCE).events
    assert b.run(b.log.head) < checkpoint  # harmless: a checkpoint never follows it
    assert slow.position > checkpoint
    a.commit()
    assert follow(b, after=checkpoint) == (slow.position, [slow.position])


@under_tags
def test_an_append_that_commits_between_the_head_and_the_rows_is_not_half_read(
    store: Store, session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 30: the rows are read after the head, and not past it. A5."""
    a, b, c = session("a"), session("b"), session("c")
    a.begin()
    a.run(a.log.append, [noted("first", "t")])
    b.run(b.log.append, [noted("second", "u")])

    def head_and_then(using: str) -> int:
        found = head(using)
        a.commit()
        return found

    monkeypatch.setattr("factos_django.store.reading.head", head_and_then)
    # Both are visible now; but what was held back was held back.
    assert [each.position for each in c.run(lambda: list(c.log.read(Query.all())))] == []
    monkeypatch.undo()
    assert texts(c.run(lambda: list(c.log.read(Query.all())))) == ["first", "second"]


# Savepoints


@under_tags
def test_a_mark_given_up_with_a_savepoint_is_set_again(store: Store, session: Opener) -> None:
    """Row 29: "already marked" remembered in Python over a rolled-back savepoint. G4's half."""
    a, b = session("a"), session("b")

    def twice() -> Any:
        with a.savepoint():
            a.log.append([noted("undone", "t")])
            transaction.set_rollback(True, using=store.using)
        return a.log.append([noted("kept", "t")])

    a.begin()
    (kept,) = a.run(twice)
    b.run(b.log.append, [noted("later", "u")])
    assert b.run(b.log.head) < kept.position
    a.commit()
    assert b.run(b.log.head) > kept.position


@under_tags
def test_every_transaction_of_a_session_marks_itself(store: Store, session: Opener) -> None:
    """Row 29: nor is it remembered beyond the transaction, committed or rolled back."""
    a, b = session("a"), session("b")
    a.run(a.log.append, [noted("first", "t")])
    a.begin()
    a.run(a.log.append, [noted("undone", "t")])
    a.rollback()
    a.begin()
    (third,) = a.run(a.log.append, [noted("third", "t")])
    b.run(b.log.append, [noted("later", "u")])
    assert b.run(b.log.head) < third.position
    a.commit()


@under_tags
def test_the_mark_of_the_outer_append_outlives_an_inner_rollback(store: Store, session: Opener) -> None:
    """Row 29 from the other side."""
    a, b = session("a"), session("b")

    def outer_and_inner() -> Any:
        (outer,) = a.log.append([noted("outer", "t")])
        with a.savepoint():
            a.log.append([noted("inner", "u")])
            transaction.set_rollback(True, using=store.using)
        return outer

    a.begin()
    outer = a.run(outer_and_inner)
    b.run(b.log.append, [noted("later", "v")])
    assert b.run(b.log.head) < outer.position
    a.commit()


@under_tags
def test_a_rolled_back_append_leaves_a_gap_that_nobody_waits_at(store: Store, session: Opener) -> None:
    """A18."""
    a, b = session("a"), session("b")
    a.begin()
    (gone,) = a.run(a.log.append, [noted("gone", "t")])
    (kept,) = b.run(b.log.append, [noted("kept", "u")])
    a.rollback()
    assert follow(b, after=0) == (kept.position, [kept.position])
    assert gone.position < kept.position


# Memory of the cluster


@under_tags
def test_many_appends_in_one_transaction_hold_one_mark(store: Store, session: Opener, sql: Sql) -> None:
    """Row 27: a mark for each append fills the lock table of the whole cluster."""
    a = session("a")

    def many() -> None:
        for n in range(30):
            a.log.append([noted(str(n), "t")])

    a.begin()
    a.run(many)
    assert marks_of(a, sql) == 1
    a.rollback()


@under_tags
def test_many_appends_in_one_transaction_do_not_gather_locks_without_limit(
    store: Store, session: Opener, sql: Sql
) -> None:
    """Row 27: the tags of a loop of appends fill the lock table of the cluster as marks would."""
    a, b = session("a"), session("b")

    def many() -> None:
        for n in range(MOST_LOCKS_OF_TRANSACTION // 20 + 10):
            a.log.append([noted(str(n), *(f"tag:{n}:{m}" for m in range(20)))])

    a.begin()
    a.run(many)
    assert a.advisory_locks() <= MOST_LOCKS_OF_TRANSACTION + 1  # and the mark
    # What it did not lock by itself, it locked by being alone.
    waiting = b.start(b.log.dispatch, add("late", "u"), decider=weighing, query=tagged("tag:30:7"))
    b.see_waiting(a)
    a.commit()
    assert saw(waiting.result(PATIENCE)) == ("30",)


# Other people's locks


@on_databases("postgres")
def test_advisory_locks_of_the_application_neither_block_appends_nor_hold_the_head(
    store: Store, session: Opener, sql: Sql
) -> None:
    """Row 33: a 64-bit key whose upper half is ours; and 64-bit keys that hash to anything."""
    a, application = session("a"), session("application")
    before = a.run(a.log.head)
    application.begin()
    ((hash,),) = sql("SELECT hashtext('t' COLLATE \"C\")")
    for namespace in (GUARD_LOCKS, GUARD_LOCKS + 1, MARK_LOCKS):
        for low in (hash & 0xFFFFFFFF, 0, before, before + 1):
            application.sql("SELECT pg_advisory_xact_lock((%s::bigint << 32) | %s)", namespace, low)
    (first,) = a.run(a.log.append, [noted("first", "t")], idempotency_key="k")
    assert a.run(a.log.head) == first.position
    guarded = a.run(a.log.dispatch, add("guarded", "t"), decider=weighing, query=tagged("t"))
    shared = a.run(a.log.dispatch, add("shared", "t"), decider=weighing, query=tagged("u"))
    assert (guarded.attempts, shared.attempts) == (1, 1)
    application.rollback()


@on_databases("postgres")
def test_a_mark_in_another_database_of_the_cluster_does_not_hold_this_head(
    store: Store, session: Opener
) -> None:
    """pg_locks lists the locks of all databases."""
    a = session("a")
    before = a.run(a.log.head)
    known = connections[store.using].get_connection_params()
    elsewhere = {key: known[key] for key in ("host", "port", "user", "password") if key in known}
    with psycopg.connect(**elsewhere, dbname="postgres") as other:
        other.execute(
            "SELECT pg_advisory_xact_lock_shared(%s, %s::bigint::integer)", [MARK_LOCKS, before - 1]
        )
        (first,) = a.run(a.log.append, [noted("first", "t")])
        assert a.run(a.log.head) == first.position


# Positions that the sequence did not give


@on_databases("postgres")
def test_an_append_below_what_is_stored_is_refused(
    store: Store, session: Opener, sql: Sql, sequence: SetSequence
) -> None:
    """Row 14: rows were inserted with positions of their own; new ones would appear below a checkpoint."""
    a = session("a")
    (first,) = a.run(a.log.append, [noted("first", "t")])
    columns = "id, type, version, data, metadata, tags, recorded_at"
    sql(
        f"INSERT INTO factos_event (position, {columns}) SELECT position + 50, gen_random_uuid(), type, "
        "version, data, metadata, tags, recorded_at FROM factos_event"
    )
    with pytest.raises(SequenceBehindLog):
        a.run(a.log.append, [noted("below", "t")])
    with pytest.raises(SequenceBehindLog):
        a.run(a.log.dispatch, add("below", "t"), decider=weighing, query=tagged("t"))
    assert "factos.E005" in {message.id for message in check_database(None, [store.using])}
    assert [position for position, _ in everything_in(store.using)] == [first.position, first.position + 50]
    sequence(first.position + 50, True)
    assert a.run(a.log.append, [noted("above", "t")])[0].position == first.position + 51


@under_tags
def test_a_position_from_read_context_outlives_a_crash(
    store: Store, session: Opener, sequence: SetSequence
) -> None:
    """Row 15: positions drawn and rolled back are not durable; after a crash they are drawn again."""
    a, b = session("a"), session("b")
    (first,) = a.run(a.log.append, [noted("first", "t")])
    a.begin()
    a.run(a.log.append, [noted(str(n), "u") for n in range(5)])
    a.rollback()
    context = b.run(b.log.read_context, tagged("t"), weighing)
    sequence(first.position, True)  # what the server knows of after its recovery
    a.run(a.log.append, [noted("unseen", "t")])
    with pytest.raises(AppendConditionFailed):
        b.run(b.log.append, [noted("stale", "t")], condition=context.append_condition)


# Stopping inside of a function

_STOP = 1_178_680_000


def stop(sql: Sql, signature: str, body: str) -> None:
    """Define a shadow of a function of the catalog that waits for the gatekeeper first."""
    sql(
        f"CREATE FUNCTION shadow.{signature} LANGUAGE plpgsql AS $body$ "
        f"BEGIN PERFORM pg_catalog.pg_advisory_lock_shared({_STOP}); {body} END $body$"
    )


class stopped:
    """While it lasts, whoever calls such a function waits for this session."""

    def __init__(self, gatekeeper: Session) -> None:
        self._gatekeeper = gatekeeper

    def __enter__(self) -> None:
        self._gatekeeper.sql(f"SELECT pg_advisory_lock({_STOP})")

    def __exit__(self, *_: object) -> None:
        self._gatekeeper.sql(f"SELECT pg_advisory_unlock({_STOP})")
