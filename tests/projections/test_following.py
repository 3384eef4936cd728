"""C1 to C8 without crashes: what followers write, how far they go, and what stops them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, OperationalError, ProgrammingError, transaction
from django.utils import timezone

from factos_django import LeaseLost, ProjectionElsewhere, Query, QueryItem, UnknownProjection
from factos_django.models import ParkedEvent, ProjectionState
from factos_django.projections import Standing, catch_up, following
from factos_django.projections.following import Outcome, advance, follow
from factos_django.projections.states import ensure_states, lease, move, resume
from factos_django.registry import PROJECTIONS
from factos_django.signals import projection_stopped
from factos_django.store import append, head
from tests.guards.facts import noted
from tests.ledger.domain import Closed, Deposited, Transferred
from tests.ledger.factos import followed_balances, followed_entries, turnovers
from tests.ledger.models import FollowedEntry
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


def leased(projection, using):
    ensure_states([projection], using)
    held = lease(projection.name, using)
    assert held is not None
    return held


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
@on_databases()
def test_followers_write_what_a_fold_of_the_log_gives_whatever_the_size_of_a_batch(store, settings, batch):
    settings.FACTOS_FOLLOW_BATCH = batch
    some_history(store.using)
    done = catch_up(using=store.using)
    assert {each.name for each in done} >= {BALANCES, TURNOVERS, ENTRIES}
    assert {each.standing for each in done} == {Standing.CAUGHT_UP}
    assert {each.position for each in done} == {head(store.using)}
    assert_rows_are_those_of_the_log(store.using)
    some_history(store.using)
    catch_up(using=store.using)
    assert_rows_are_those_of_the_log(store.using)


@on_databases()
def test_to_catch_up_again_applies_nothing_again(store):
    deposit(store.using, 3)
    assert [each.events for each in catch_up(BALANCES, using=store.using)] == [3]
    assert [each.events for each in catch_up(BALANCES, using=store.using)] == [0]
    assert_balance(store.using, 3)


def assert_balance(using, amount):
    assert {account: row[0] for account, row in balances_in(using).items()} == {"a": amount}


@on_databases()
def test_a_batch_ends_at_its_last_fact_and_the_last_one_at_the_head(store, settings):
    settings.FACTOS_FOLLOW_BATCH = 2
    positions = deposit(store.using, 4)
    held = leased(followed_balances, store.using)
    first = advance(followed_balances, held)
    assert (first.outcome, first.events, first.lease.position) == (Outcome.MORE, 2, positions[1])
    second = advance(followed_balances, first.lease)  # it ends exactly at the head
    assert (second.outcome, second.events, second.lease.position) == (Outcome.MORE, 2, positions[3])
    (late,) = deposit(store.using)
    third = advance(followed_balances, second.lease)
    assert (third.outcome, third.events, third.lease.position) == (Outcome.CAUGHT_UP, 1, late)
    fourth = advance(followed_balances, third.lease)
    assert (fourth.outcome, fourth.events, fourth.lease) == (Outcome.CAUGHT_UP, 0, third.lease)
    assert_balance(store.using, 5)


@on_databases()
def test_where_no_fact_matches_the_checkpoint_is_the_head_and_the_next_fact_counts(store):
    append([noted("of no account")], using=store.using)
    (done,) = catch_up(BALANCES, using=store.using)
    assert (done.events, done.position) == (0, head(store.using))
    deposit(store.using)
    assert catch_up(BALANCES, using=store.using)[0].events == 1
    assert_balance(store.using, 1)


@on_databases()
def test_what_is_appended_between_head_and_rows_is_left_to_the_next_batch(store, monkeypatch):
    """Kurrent 4970: a page that was empty when it was read is no proof about what came since."""
    read_rows, late = following.select_matching, []

    def appended_first(query, part, using):
        late.extend(deposit(using))
        return read_rows(query, part, using)

    append([noted("of no account")], using=store.using)
    before = head(store.using)
    monkeypatch.setattr(following, "select_matching", appended_first)
    turn = advance(followed_balances, leased(followed_balances, store.using))
    assert (turn.events, turn.lease.position) == (0, before)
    monkeypatch.setattr(following, "select_matching", read_rows)
    assert advance(followed_balances, turn.lease).events == 1
    assert_balance(store.using, len(late))


@on_databases("postgres")
def test_a_follower_does_not_pass_an_append_that_is_open(store, session):
    """C1: a committed fact above one that is not yet there has to wait for it."""
    other = session("other")
    (before,) = deposit(store.using)
    other.begin()
    other.run(append, [Deposited("b", 1)], using=store.using)
    if store.guard == "tags":  # under log nobody else can append meanwhile
        deposit(store.using)
    (done,) = catch_up(BALANCES, using=store.using)
    assert (done.events, done.position) == (1, before)
    other.commit()
    catch_up(using=store.using)
    assert "b" in balances_in(store.using)
    assert_rows_are_those_of_the_log(store.using)


@on_databases()
def test_whoever_holds_an_older_token_writes_nothing(store):
    deposit(store.using, 2)
    frozen = leased(followed_balances, store.using)
    ProjectionState.objects.using(store.using).update(leased_until=timezone.now() - timedelta(seconds=1))
    with transaction.atomic(using=store.using), pytest.raises(LeaseLost):
        move(replace(frozen, token=frozen.token - 1), 1)
    newer = leased(followed_balances, store.using)
    assert newer.token > frozen.token
    assert advance(followed_balances, frozen).outcome is Outcome.LOST
    assert balances_in(store.using) == {}
    assert state(BALANCES, store.using).position == 0
    assert advance(followed_balances, newer).events == 2
    assert_balance(store.using, 2)


@on_databases()
def test_a_projection_that_another_worker_has_is_left_to_it(store):
    deposit(store.using)
    leased(followed_balances, store.using)
    (done,) = catch_up(BALANCES, using=store.using)
    assert (done.standing, done.events) == (Standing.BUSY, 0)


@on_databases()
def test_a_fact_that_came_while_the_lease_was_held_is_seen_before_it_leaves(store, monkeypatch):
    """Whoever was woken by it found the projection leased, and left."""
    give_back = following.give_back

    def append_then_give_back(held):
        monkeypatch.setattr(following, "give_back", give_back)
        deposit(store.using)
        assert catch_up(BALANCES, using=store.using)[0].standing is Standing.BUSY
        give_back(held)

    deposit(store.using)
    monkeypatch.setattr(following, "give_back", append_then_give_back)
    (done,) = catch_up(BALANCES, using=store.using)
    assert (done.events, done.position) == (2, head(store.using))


def at_memo(recorded):
    if getattr(recorded.event, "memo", None) == "bad":
        raise ZeroDivisionError("no such account")


def with_a_bad_fact(using):
    """Return the positions of a good fact, a bad one, and a good one."""
    events = [Deposited("a", 5), Transferred("a", "b", 2, memo="bad"), Deposited("a", 1)]
    return [each.position for each in append(events, using=using)]


@on_databases()
def test_a_projection_stops_at_a_fact_that_cannot_be_folded_and_others_go_on(store, settings):
    good, bad, _ = with_a_bad_fact(store.using)
    told = []
    receiver = lambda **said: told.append(said)  # noqa: E731
    projection_stopped.connect(receiver)
    with in_place(failing_at(at_memo)):
        done = {each.name: each for each in catch_up(using=store.using)}
        again = catch_up(BALANCES, using=store.using)
    projection_stopped.disconnect(receiver)
    assert [each.name for each in done.values() if each.standing is Standing.STOPPED] == [BALANCES]
    assert again == (replace(done[BALANCES], events=0),)
    stopped = state(BALANCES, store.using)
    assert (stopped.condition, stopped.position, stopped.failed_position) == ("stopped", good, bad)
    assert stopped.error == "ZeroDivisionError: no such account"
    assert "at_memo" in stopped.traceback
    assert stopped.failed_event is not None
    assert stopped.failed_at is not None
    assert (stopped.worker, stopped.leased_until) == ("", None)
    assert_balance(store.using, 5)
    assert [(each["name"], each["using"]) for each in told] == [(BALANCES, store.using)]
    assert state(ENTRIES, store.using).position == head(store.using)


@on_databases()
def test_once_resumed_it_goes_on_behind_the_last_good_fact(store):
    with_a_bad_fact(store.using)
    with in_place(failing_at(at_memo)):
        catch_up(using=store.using)
    assert resume(BALANCES, store.using)
    catch_up(using=store.using)  # the code is mended
    assert_rows_are_those_of_the_log(store.using)
    assert state(BALANCES, store.using).error == ""


@on_databases()
def test_a_projection_that_parks_goes_on_and_keeps_the_reason(store):
    _, bad, last = with_a_bad_fact(store.using)
    with in_place(failing_at(at_memo, on_error="park")):
        (done,) = catch_up(BALANCES, using=store.using)
    assert (done.standing, done.events, done.position) == (Standing.CAUGHT_UP, 2, last)
    (parked,) = ParkedEvent.objects.using(store.using).all()
    assert (parked.projection, parked.position, parked.by_hand) == (BALANCES, bad, False)
    assert parked.error == "ZeroDivisionError: no such account"
    assert_balance(store.using, 6)


@on_databases()
def test_a_fact_that_cannot_be_read_stops_it_too(store, monkeypatch):
    good, bad, _ = with_a_bad_fact(store.using)
    stored = following.select_matching

    def spoilt(*arguments):
        return [(*row[:5], "{}", *row[6:]) if row[0] == bad else row for row in stored(*arguments)]

    monkeypatch.setattr(following, "select_matching", spoilt)
    (done,) = catch_up(BALANCES, using=store.using)
    stopped = state(BALANCES, store.using)
    assert (done.standing, done.position) == (Standing.STOPPED, good)
    assert (stopped.failed_position, stopped.error.partition(":")[0]) == (bad, "DecodeError")


@on_databases()
def test_what_a_handler_wrote_for_a_bad_fact_is_rolled_back_and_what_it_wrote_before_stays(store):
    first, second = append([Transferred("a", "b", 1), Transferred("a", "b", 2)], using=store.using)

    def write_and_fail(recorded, using):
        followed_entries.feed.function(recorded, using)
        if recorded.position == second.position:
            Group.objects.using(using).create(name="written")
            Group.objects.using(using).create(name="written")  # a name is unique

    feed = replace(followed_entries.feed, function=write_and_fail)
    with in_place(replace(followed_entries, feed=feed)):
        (done,) = catch_up(ENTRIES, using=store.using)
    assert (done.standing, done.position) == (Standing.STOPPED, first.position)
    entries = FollowedEntry.objects.using(store.using).values_list("position", flat=True)
    assert list(entries) == [first.position]
    assert not Group.objects.using(store.using).exists()
    assert state(ENTRIES, store.using).error.startswith(IntegrityError.__name__)


@on_databases()
def test_what_may_pass_is_tried_again_later_and_later_and_stops_nothing(store):
    deposit(store.using)
    attempts = []

    def run_out_of_memory(recorded):
        attempts.append(recorded)
        raise MemoryError

    with in_place(failing_at(run_out_of_memory)) as failing:
        pauses = []
        for _ in range(3):
            pauses.append(follow(failing, store.using).seconds)
            assert catch_up(BALANCES, using=store.using)[0].standing is Standing.PUT_OFF  # not yet
            assert follow(failing, store.using).outcome is Outcome.BUSY
            ProjectionState.objects.using(store.using).update(retry_at=timezone.now() - timedelta(seconds=1))
        assert pauses == [1, 2, 4]
        assert len(attempts) == 3
    waiting = state(BALANCES, store.using)
    assert (waiting.condition, waiting.attempts, waiting.position) == ("running", 3, 0)
    assert waiting.error.startswith("MemoryError")
    catch_up(BALANCES, using=store.using)
    passed = state(BALANCES, store.using)
    assert (passed.attempts, passed.error, passed.retry_at) == (0, "", None)
    assert_balance(store.using, 1)


@on_databases()
def test_a_worker_of_an_older_version_writes_nothing_and_says_so_once(store, caplog):
    deposit(store.using)
    ensure_states(PROJECTIONS, store.using)
    ProjectionState.objects.using(store.using).filter(pk=BALANCES).update(version=2)
    following._warned.clear()
    for _ in range(2):
        (done,) = catch_up(BALANCES, using=store.using)
        assert (done.standing, done.events) == (Standing.OUTDATED, 0)
    assert balances_in(store.using) == {}
    assert state(BALANCES, store.using).condition == "running"
    assert [each.message for each in caplog.records if "version 2" in each.message] == [
        f"The rows of projection '{BALANCES}' are of version 2, and this process knows version 1 alone.\n\n"
        "It writes nothing. Restart it with the code of today."
    ]
    with in_place(replace(followed_balances, version=2)):
        assert catch_up(BALANCES, using=store.using)[0].standing is Standing.CAUGHT_UP
    assert_balance(store.using, 1)


@on_databases()
def test_catching_up_in_a_transaction_goes_back_with_it(store):
    with transaction.atomic(using=store.using):
        append([Deposited("a", 1)], using=store.using)
        assert catch_up(BALANCES, using=store.using)[0].events == 1
        assert_balance(store.using, 1)
        transaction.set_rollback(True, using=store.using)
    assert balances_in(store.using) == {}
    deposit(store.using)
    catch_up(BALANCES, using=store.using)
    assert_balance(store.using, 1)


@on_databases()
def test_an_inline_projection_needs_no_catching_up_and_an_unknown_one_is_an_error(store):
    deposit(store.using)
    (done,) = catch_up("ledger.balances", using=store.using)
    assert (done.standing, done.position) == (Standing.INLINE, head(store.using))
    assert "ledger.balances" not in {each.name for each in catch_up(using=store.using)}
    with pytest.raises(UnknownProjection, match=BALANCES):
        catch_up("ledger.followed", using=store.using)


@on_databases("default")
def test_a_projection_that_the_routers_put_elsewhere_is_not_followed(store, settings):
    settings.DATABASE_ROUTERS = ["tests.projections.test_following.NoLedger"]
    assert not [each.name for each in catch_up(using=store.using) if each.name.startswith("ledger.")]
    with pytest.raises(ProjectionElsewhere):
        catch_up(BALANCES, using=store.using)


class NoLedger:
    def allow_migrate(self, db, app_label, **hints):
        return app_label != "ledger"


@on_databases()
def test_a_composite_key_and_a_query_of_tags_are_followed(store, settings):
    settings.FACTOS_FOLLOW_BATCH = 2
    some_history(store.using)
    of_a = Query.of(QueryItem(types=[Transferred], tags=["account:a", "account:b"]))
    with in_place(replace(turnovers, query=of_a)):
        catch_up(TURNOVERS, using=store.using)
    pairs = turnovers.feed.shape.model.objects.using(store.using).values_list("payer", "payee")
    assert sorted(pairs) == [("a", "b")]


@on_databases()
def test_a_lost_lease_of_a_database_that_was_away_is_given_back_later(store, monkeypatch):
    deposit(store.using)
    give_back, failures = following.give_back, []

    def away(held):
        failures.append(held)
        raise OperationalError("away")

    monkeypatch.setattr(following, "give_back", away)
    ensure_states([followed_balances], store.using)
    assert follow(followed_balances, store.using).outcome is Outcome.CAUGHT_UP
    assert len(failures) == 1
    assert state(BALANCES, store.using).worker
    monkeypatch.setattr(following, "give_back", give_back)
    deposit(store.using)
    assert follow(followed_balances, store.using).events == 1
    assert not state(BALANCES, store.using).worker


@on_databases()
def test_an_account_that_is_closed_and_opened_in_one_batch_counts_from_zero(store):
    append([Deposited("a", 5), Closed("a"), Deposited("a", 2)], using=store.using)
    catch_up(BALANCES, using=store.using)
    assert_rows_are_those_of_the_log_of_balances(store.using)


def assert_rows_are_those_of_the_log_of_balances(using):
    assert {account: row[:2] for account, row in balances_in(using).items()} == {"a": (2, 1)}


@on_databases()
def test_a_checkpoint_that_cannot_be_moved_is_tried_again_later_where_no_event_is_to_blame(
    store, monkeypatch
):
    def refused(lease, position):
        raise ProgrammingError("permission denied")

    deposit(store.using)  # which TURNOVERS does not fold
    monkeypatch.setattr(following, "move", refused)
    (done,) = catch_up(TURNOVERS, using=store.using)
    assert done.standing is Standing.PUT_OFF
    assert "permission denied" in state(TURNOVERS, store.using).error
