"""An append reads a handful of rows by their indexes, however long the log and however broad a tag."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction

from factos_django import AppendCondition, Query, QueryItem
from factos_django.dispatch import dispatch
from factos_django.store import append, read_context
from factos_django.testing.contract import Counted, Noted
from tests.guards.facts import add, noted, tagged, weighing
from tests.guards.sessions import under_tags
from tests.stores import Store

EVENTS = 3000
#: Rows: the narrowest tag is found by counts of ten, the rest is what matches. A scan would be thousands.
HANDFUL = 300

NARROW = Query.of(QueryItem(tags=["tenant", "order:7"]))
QUERIES = {
    "a narrow tag": tagged("order:7"),
    "a tag of nothing": tagged("order:none"),
    "a broad and a narrow tag": NARROW,
    "the same, by type": Query.of(QueryItem(types=[Noted], tags=["tenant", "order:7"])),
    "a type of nothing": Query.of(QueryItem(types=["never", "ever"])),
    "a broad tag and a rare type": Query.of(QueryItem(types=[Counted, "never"], tags=["tenant"])),
}

_READ = (
    "SELECT sum(seq_scan), sum(coalesce(idx_tup_fetch, 0) + seq_tup_read) FROM pg_stat_xact_user_tables "
    "WHERE relname IN ('factos_event', 'factos_tag', 'factos_idempotencykey')"
)


def fill() -> None:
    """Append facts that all carry one tag, ten of which carry another, all over the log."""
    append([noted(str(n), "tenant", f"order:{n % (EVENTS // 10)}") for n in range(EVENTS)], using="postgres")


def analyze() -> None:
    """Give the planner statistics, and pages that no VACUUM has looked at, as a bulk import leaves them."""
    with connections["postgres"].cursor() as cursor:
        cursor.execute("ANALYZE factos_event, factos_tag")


def rows_read(work: Callable[[], Any]) -> tuple[int, int]:
    """Return how many scans of whole tables, and how many rows, one more run of ``work`` makes."""
    work()  # plans are made in the first run, and kept
    with transaction.atomic(using="postgres"), connections["postgres"].cursor() as cursor:
        cursor.execute(_READ)
        before = cursor.fetchone()
        work()
        cursor.execute(_READ)
        after = cursor.fetchone()
    scans, rows = (int(late - early) for late, early in zip(after, before, strict=True))
    return scans, rows


def assert_handful(work: Callable[[], Any]) -> None:
    scans, rows = rows_read(work)
    assert scans == 0
    assert 0 < rows < HANDFUL


@under_tags
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_dispatch_reads_a_handful_of_rows(store: Store, query: Query) -> None:
    fill()
    analyze()
    assert_handful(lambda: dispatch(add("x", "new"), decider=weighing, query=query, using="postgres"))


@under_tags
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_condition_reads_a_handful_of_rows(store: Store, query: Query) -> None:
    fill()
    analyze()
    last = read_context(query, weighing, using="postgres").position
    condition = AppendCondition(query, after=last)
    assert_handful(lambda: append([noted("x", "new")], condition=condition, using="postgres"))


@under_tags
def test_plans_that_were_made_on_an_empty_log_are_as_good_on_a_long_one(store: Store) -> None:
    def work() -> None:
        append([noted("x", "new")], condition=AppendCondition(tagged("order:none")), using="postgres")
        read_context(NARROW, weighing, using="postgres")

    work()
    fill()
    assert_handful(work)
