"""A17, A18: an append that stays open for long, or is rolled back, makes no follower skip or wait."""

from contextlib import contextmanager, suppress
from uuid import uuid4

import pytest
from django.db import connections, transaction

from factos_django import Query, StoreBusy
from factos_django.store import append, head, read
from tests.faults.actors import actor
from tests.faults.facts import new, three, unless
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


class Follower:
    """Reads on from its checkpoint, which is the head or what it read last."""

    def __init__(self, using):
        self.using = using
        self.checkpoint = 0
        self.applied = []

    def follow(self):
        """Apply what is above the checkpoint, up to a head that was asked for before."""
        upto = max(head(self.using), self.checkpoint)
        self._apply(each for each in read(Query.all(), after=self.checkpoint, using=self.using))
        self.checkpoint = max(upto, self.checkpoint)

    def _apply(self, events):
        for each in events:
            self.applied.append(each.position)
            self.checkpoint = each.position


def positions(recorded):
    return [each.position for each in recorded]


def stored(using):
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT position FROM factos_event ORDER BY position")
        return [position for (position,) in cursor.fetchall()]


@contextmanager
def open_append(using, room="hall"):
    """A process that has appended and keeps its transaction open; told ``True``, it commits."""

    def hold(pipe):
        with transaction.atomic(using=using):
            recorded = append(three(room), condition=unless(room), using=using)
            pipe.send(positions(recorded))
            if not pipe.recv():
                transaction.set_rollback(True, using=using)
        pipe.send("ended")

    with actor(hold) as holder:
        yield holder, holder.hear()


def append_by_others(store):
    """Append to three rooms beside it; return the positions, none of those who had to wait too long."""
    found = []
    for room in ("cellar", "attic", "porch"):
        try:
            found += positions(append(new(room), condition=unless(room), using=store.using))
        except StoreBusy:
            assert store.guard == "log"
    return found


@pytest.fixture(autouse=True)
def limit(settings):
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 0.3


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "rolled back"])
@on_databases()
def test_followers_skip_nothing_of_an_append_that_was_open_while_others_appended(store, committed):
    first = positions(append(new("garden"), using=store.using))
    follower = Follower(store.using)
    with open_append(store.using) as (holder, held):
        others = append_by_others(store)
        assert len(others) == (3 if store.guard == "tags" else 0)
        assert head(store.using) < held[0]
        follower.follow()
        assert follower.applied == first
        assert follower.checkpoint < held[0]
        holder.tell(committed)
        assert holder.hear() == "ended"
    follower.follow()
    later = positions(append(new("garden"), using=store.using))
    follower.follow()
    assert follower.applied == stored(store.using) == [*first, *(held if committed else []), *others, *later]
    assert head(store.using) == follower.checkpoint == later[0]


def roll_back(using):
    with transaction.atomic(using=using):
        append(three("hall"), using=using)
        transaction.set_rollback(True, using=using)


def roll_back_to_a_savepoint(using):
    with transaction.atomic(using=using):
        append(new("hall"), using=using)
        with transaction.atomic(using=using):
            append(three("hall"), using=using)
            transaction.set_rollback(True, using=using)


class Refused(Exception):
    """The application gives up at the last moment."""


def fail_before_commit(using):
    with suppress(Refused), transaction.atomic(using=using):
        append(three("hall"), using=using)
        raise Refused


def be_killed(using):
    room = f"room-{uuid4()}"
    with open_append(using, room) as (holder, _):
        holder.kill()
    append(new(room), condition=unless(room), using=using)  # waits until the database has noticed the death


@pytest.mark.parametrize("leave_a_gap", [roll_back, roll_back_to_a_savepoint, fail_before_commit, be_killed])
@on_databases()
def test_followers_pass_the_gap_of_what_was_rolled_back(store, leave_a_gap, settings):
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 10
    follower = Follower(store.using)
    for _ in range(3):
        leave_a_gap(store.using)
        follower.follow()
        append(new("cellar"), using=store.using)
        follower.follow()
        assert follower.applied == stored(store.using)
    assert len(follower.applied) == len(set(follower.applied)) >= 3
