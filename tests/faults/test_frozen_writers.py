"""A12: a writer that is frozen while it holds the guard delays others by no more than the set time."""

import time
from contextlib import contextmanager

import pytest
from django.db import transaction

from factos_django import AppendConditionFailed, Query, StoreBusy
from factos_django.dispatch import dispatch
from factos_django.store import append, read, read_context
from tests.faults.actors import actor, counted
from tests.faults.facts import about, new, seating, unless
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

#: The limit that is set, and what the machine may take on top of it (seconds).
LIMIT, TOLERANCE = 1, 8


@contextmanager
def frozen_writer(using):
    """A process that has appended to the hall, holds its transaction open, and is stopped."""

    def hold(pipe):
        with transaction.atomic(using=using):
            append(new("hall"), condition=unless("hall"), using=using)
            pipe.send("held")
            pipe.recv()
        pipe.send("committed")

    with actor(hold) as writer:
        assert writer.hear() == "held"
        writer.freeze()
        yield writer


def append_conditionally(room, using):
    append(new(room), condition=unless(room), using=using)


def append_blindly(room, using):
    append(new(room), using=using)


def dispatch_for(room, using):
    dispatch(room, decider=seating, query=about, using=using)


@pytest.fixture
def limited(settings):
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = LIMIT


@pytest.mark.parametrize("act", [append_conditionally, append_blindly, dispatch_for])
@on_databases()
def test_who_needs_what_a_frozen_writer_holds_is_told_so_within_the_limit(store, limited, act):
    with frozen_writer(store.using):
        began = time.monotonic()
        with pytest.raises(StoreBusy):
            act("hall", store.using)
        assert LIMIT * 0.5 < time.monotonic() - began < LIMIT + TOLERANCE
        assert counted(store.using)["events"] == 0


@on_databases("postgres")
def test_read_context_waits_for_a_frozen_writer_within_the_limit(store, limited):
    with frozen_writer(store.using), pytest.raises(StoreBusy):
        read_context(about("hall"), seating, using=store.using)


@on_databases()
def test_readers_do_not_wait_for_a_frozen_writer(store, limited):
    append(new("cellar"), using=store.using)
    with frozen_writer(store.using):
        began = time.monotonic()
        assert [each.event for each in read(Query.all(), using=store.using)] == new("cellar")
        assert time.monotonic() - began < TOLERANCE


@pytest.mark.parametrize("act", [append_conditionally, append_blindly, dispatch_for])
@on_databases()
def test_a_frozen_writer_stops_unrelated_contexts_under_the_guard_log_only(store, limited, act):
    with frozen_writer(store.using):
        if store.guard == "tags":
            act("cellar", store.using)
            assert counted(store.using)["events"] == 1
        else:
            with pytest.raises(StoreBusy):
                act("cellar", store.using)


@on_databases("postgres")
def test_whoever_waits_for_a_frozen_writer_in_vain_is_in_nobody_elses_way(store, limited):
    if store.guard != "tags":
        pytest.skip("under log everybody waits")
    with frozen_writer(store.using):
        with transaction.atomic(using=store.using):
            append_conditionally("cellar", store.using)
            with pytest.raises(StoreBusy):
                append_conditionally("hall", store.using)
            append_conditionally("attic", store.using)
        assert counted(store.using)["events"] == 2


@on_databases()
def test_when_a_frozen_writer_goes_on_its_facts_count(store):
    with frozen_writer(store.using) as writer:
        writer.thaw()
        writer.tell("commit")
        assert writer.hear() == "committed"
        with pytest.raises(AppendConditionFailed):
            append_conditionally("hall", store.using)
        append_blindly("hall", store.using)
        assert counted(store.using)["events"] == 2


@on_databases()
def test_when_a_frozen_writer_is_killed_its_context_is_free(store):
    with frozen_writer(store.using) as writer:
        writer.kill()
        append_conditionally("hall", store.using)
        assert len(list(read(Query.all(), using=store.using))) == counted(store.using)["events"] == 1
