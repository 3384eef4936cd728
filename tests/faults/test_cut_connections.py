"""A13, A14: the connection is cut around COMMIT, by a proxy before PostgreSQL and MariaDB."""

from copy import deepcopy
from uuid import UUID

import pytest
from django.db import OperationalError, connections, transaction

from factos_django import OutcomeUnknown, Proposed, Query
from factos_django.dispatch import dispatch, retrying
from factos_django.store import append, read
from tests.faults.actors import counted
from tests.faults.facts import Seated, about, new, seating, three, unless
from tests.faults.proxy import proxy_to
from tests.insertions import inserting_in_a_transaction
from tests.stores import on_databases

COMMIT = rb"COMMIT(?!TED)"  # READ COMMITTED is said as MariaDB is connected to
PORTS = {"postgresql": 5432, "mysql": 3306}
INSERTING = {"postgresql": b"factos_append_", "mysql": b"INSERT INTO factos_tag"}
ALL = {"events": 3, "tags": 6, "keys": 1}
NOTHING = {"events": 0, "tags": 0, "keys": 0}


@pytest.fixture
def direct(store):
    """The tables as they are, counted around the proxy."""
    original = connections[store.using]

    def count():
        proxied, connections[store.using] = connections[store.using], original
        try:
            return counted(store.using)
        finally:
            connections[store.using] = proxied

    return count


@pytest.fixture
def proxy(store, direct):
    """A proxy before the database of ``store``, through which its alias goes."""
    original = connections[store.using]
    host, port = original.settings_dict["HOST"], int(original.settings_dict["PORT"] or PORTS[original.vendor])
    with proxy_to(host or "127.0.0.1", port) as proxy:
        through = deepcopy(original.settings_dict) | {"HOST": "127.0.0.1", "PORT": str(proxy.port)}
        if original.vendor == "postgresql":
            through["OPTIONS"] |= {"sslmode": "disable"}  # the proxy reads what is sent
        connections[store.using] = type(original)(through, store.using)
        yield proxy
        connections[store.using].close()
        connections[store.using] = original


def end_of_append(store):
    """What ends the transaction of an append: under tags it is one statement, and no COMMIT is sent."""
    return INSERTING["postgresql"] if store.guard == "tags" else COMMIT


def append_three(using, **identity):
    return append(three("hall"), condition=unless("hall"), using=using, **identity)


def positions(recorded):
    return [each.position for each in recorded]


def stored(store):
    return positions(read(Query.all(), using=store.using))


@on_databases("postgres", "mariadb")
def test_after_a_cut_behind_commit_the_outcome_is_unknown_and_the_same_key_tells_it(store, proxy, direct):
    proxy.cut_at(end_of_append(store), executed=True)
    with pytest.raises(OutcomeUnknown):
        append_three(store.using, idempotency_key="hall-1")
    assert proxy.cuts == 1
    assert direct() == ALL
    assert positions(append_three(store.using, idempotency_key="hall-1")) == stored(store)
    assert direct() == ALL


@on_databases("postgres", "mariadb")
def test_after_a_cut_behind_commit_the_outcome_is_unknown_where_nobody_can_connect(store, proxy, direct):
    """Django connects again after a COMMIT that failed: that it is refused says nothing of the COMMIT."""
    proxy.cut_at(end_of_append(store), executed=True, stays_away=True)
    with pytest.raises(OutcomeUnknown):
        append_three(store.using, idempotency_key="hall-1")
    assert proxy.cuts == 1
    assert direct() == ALL
    with pytest.raises(OperationalError):  # now nothing was asked
        append_three(store.using, idempotency_key="hall-1")
    proxy.come_back()
    assert positions(append_three(store.using, idempotency_key="hall-1")) == stored(store)
    assert direct() == ALL


@on_databases("postgres", "mariadb")
def test_after_a_cut_behind_commit_the_same_event_ids_tell_what_came_of_it(store, proxy, direct):
    events = [Proposed(Seated("hall"), id=UUID(int=1)), Proposed(Seated("hall"), id=UUID(int=2))]
    proxy.cut_at(end_of_append(store), executed=True)
    with pytest.raises(OutcomeUnknown):
        append(events, using=store.using)
    assert positions(append(events, using=store.using)) == stored(store)
    assert direct()["events"] == 2


@on_databases("postgres", "mariadb")
def test_a_dispatch_that_is_cut_behind_commit_is_not_tried_again_by_itself(store, proxy, direct):
    proxy.cut_at(COMMIT, executed=True)
    with pytest.raises(OutcomeUnknown):
        dispatch("hall", decider=seating, query=about, idempotency_key="hall-1", using=store.using)
    assert direct()["events"] == 1
    again = dispatch("hall", decider=seating, query=about, idempotency_key="hall-1", using=store.using)
    assert (positions(again.events), again.attempts) == (stored(store), 0)


@on_databases("postgres", "mariadb")
def test_a_retrying_function_that_is_cut_behind_commit_is_not_tried_again_by_itself(store, proxy, direct):
    runs = []

    @retrying(using=store.using)
    def seat():
        runs.append(1)
        append(new("hall"), using=store.using)

    proxy.cut_at(COMMIT, executed=True)
    with pytest.raises(OutcomeUnknown):
        seat()
    assert len(runs) == 1
    assert direct()["events"] == 1


@on_databases("postgres", "mariadb")
def test_after_a_cut_before_commit_nothing_is_stored_and_the_same_key_records(store, proxy, direct):
    proxy.cut_at(end_of_append(store), executed=False)
    with pytest.raises(OutcomeUnknown, match="idempotency key"):  # who sent COMMIT cannot know
        append_three(store.using, idempotency_key="hall-1")
    assert proxy.cuts == 1
    assert direct() == NOTHING
    assert positions(append_three(store.using, idempotency_key="hall-1")) == stored(store)
    assert direct() == ALL


@on_databases("postgres", "mariadb")
def test_after_a_cut_before_the_caller_commits_nothing_is_stored(store, proxy, direct):
    proxy.cut_at(COMMIT, executed=False)
    with pytest.raises(OperationalError), transaction.atomic(using=store.using):
        append_three(store.using, idempotency_key="hall-1")
    assert proxy.cuts == 1
    assert direct() == NOTHING
    append_three(store.using, idempotency_key="hall-1")
    assert direct() == ALL


@pytest.mark.parametrize("executed", [False, True])
@on_databases("postgres", "mariadb")
def test_a_cut_while_facts_are_written_is_told_and_stores_nothing(store, proxy, direct, executed):
    proxy.cut_at(INSERTING[connections[store.using].vendor], executed=executed)
    with inserting_in_a_transaction(), pytest.raises(OperationalError):  # its outcome is known
        append_three(store.using, idempotency_key="hall-1")
    assert proxy.cuts == 1
    append_three(store.using, idempotency_key="hall-1")
    assert direct() == ALL
