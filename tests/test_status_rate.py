"""How many facts were recorded in each minute, against a count of all of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from factos_django.status import Rate, recent_rate
from factos_django.store import append
from factos_django.store.rows import as_stored_time
from factos_django.testing.contract import Noted
from tests.rows_read import rows_read
from tests.stores import Store, on_databases

NOW = datetime(2026, 3, 1, 12, 30, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factos_django.status.rate.database_now", lambda using: NOW)


def record(using: str, *ago: float, at_once: int = 500) -> None:
    """Record a fact for each of these numbers of seconds before now, in this order."""
    connection = connections[using]
    native = connection.features.has_native_uuid_field
    rows = [
        [str(uuid4()) if native else uuid4().hex, as_stored_time(NOW - timedelta(seconds=each), connection)]
        for each in ago
    ]
    values = "(%s, 'legacy', 1, '{}', '{}', '[]', %s)"
    insert = "INSERT INTO factos_event (id, type, version, data, metadata, tags, recorded_at) VALUES "
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            cursor.execute(insert + ", ".join([values] * len(some)), [each for row in some for each in row])


def expected(ago: Iterable[float]) -> list[int]:
    """The same by a look at each fact."""
    begin = NOW.replace(second=0) - timedelta(minutes=29)
    numbers = [0] * 30
    for each in ago:
        if (recorded_at := NOW - timedelta(seconds=each)) >= begin:
            numbers[min(29, (recorded_at - begin) // timedelta(minutes=1))] += 1
    return numbers


def facts(found: Rate) -> list[int]:
    return [minute.facts for minute in found.minutes]


@on_databases()
def test_an_empty_log_has_thirty_empty_minutes(store: Store) -> None:
    found = recent_rate(store.using)
    assert facts(found) == [0] * 30
    assert not found.is_about
    assert found.minutes[0].begins == datetime(2026, 3, 1, 12, 1, tzinfo=UTC)
    assert found.minutes[-1].begins == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@on_databases()
def test_one_fact_stands_in_its_minute(store: Store) -> None:
    record(store.using, 90)
    assert facts(recent_rate(store.using)) == [*[0] * 27, 1, 0, 0]


@on_databases()
def test_what_is_recorded_now_stands_in_the_minute_that_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    append([Noted("a")], using=store.using)
    found = recent_rate(store.using, minutes=5)
    assert facts(found) in ([0, 0, 0, 0, 1], [0, 0, 0, 1, 0])  # a minute may have ended between the two
    assert abs(datetime.now(UTC) - found.minutes[-1].begins) < timedelta(minutes=2)


@on_databases()
def test_few_facts_are_counted_by_their_times_whatever_their_order(store: Store) -> None:
    ago = [86_400, 7_200, 1_821, 1_820, 1_760, 1_761, 1_759, 80, 81, 79, 21, 20, 19, 0.5, 300, -30]
    record(store.using, *ago)
    found = recent_rate(store.using)
    assert facts(found) == expected(ago)
    assert not found.is_about


@on_databases()
def test_a_quiet_day_after_a_busy_one_is_counted(store: Store) -> None:
    ago = [86_400 + 20 * n for n in reversed(range(1_500))] + [1_000, 990, 500]
    record(store.using, *ago)
    found = recent_rate(store.using)
    assert (facts(found), found.is_about) == (expected(ago), False)


@on_databases()
def test_a_burst_is_found_between_positions(store: Store) -> None:
    long_ago = [86_400 + n for n in reversed(range(2_000))]
    burst = [400 - n / 100 for n in range(3_000)]
    record(store.using, *long_ago, *burst, 10, 9)
    found = recent_rate(store.using)
    assert (facts(found), found.is_about) == (expected([*burst, 10, 9]), True)


@on_databases()
def test_a_busy_half_hour_is_found_with_few_questions(store: Store) -> None:
    draw = random.Random(1)
    ago = sorted((draw.uniform(0, 3_000) for _ in range(6_000)), reverse=True)
    record(store.using, *ago)
    with CaptureQueriesContext(connections[store.using]) as asked:
        found = recent_rate(store.using)
    assert (facts(found), found.is_about) == (expected(ago), True)
    assert len(asked) < 15


@on_databases()
def test_a_log_that_began_in_the_half_hour_is_counted_from_its_beginning(store: Store) -> None:
    ago = [1_200 - n / 2 for n in range(2_000)]
    record(store.using, *ago)
    assert facts(recent_rate(store.using)) == expected(ago)


@on_databases()
def test_facts_that_are_a_little_out_of_order_move_to_a_minute_nearby(store: Store) -> None:
    draw = random.Random(2)
    ago = sorted((draw.uniform(0, 1_700) for _ in range(4_000)), key=lambda each: -each + draw.uniform(0, 5))
    record(store.using, *ago)
    found, exact = facts(recent_rate(store.using)), expected(ago)
    assert sum(found) == pytest.approx(sum(exact), abs=20)
    assert max(abs(a - b) for a, b in zip(found, exact, strict=True)) <= 24


@on_databases()
def test_positions_that_nobody_used_count_in_a_busy_half_hour(store: Store) -> None:
    record(store.using, *[1_000.0] * 1_200)
    leave_out(store.using, 500)
    record(store.using, *[700.0] * 800)
    found = recent_rate(store.using)
    assert found.is_about
    assert sum(facts(found)) in (2_000, 2_500)  # a database that draws no position in vain has no gaps
    assert facts(found)[expected([1_000]).index(1)] >= 1_200


def leave_out(using: str, number: int) -> None:
    """Leave positions out, as appends that roll back do, where the database draws them in vain."""
    with transaction.atomic(using=using):
        record(using, *[900.0] * number)
        transaction.set_rollback(True, using=using)


@on_databases()
def test_a_busy_half_hour_is_found_by_a_handful_of_rows(store: Store) -> None:
    record(store.using, *[n / 2 for n in reversed(range(20_000))])
    assert recent_rate(store.using).is_about
    assert rows_read(store.using, lambda: recent_rate(store.using)) < 5_000


@on_databases("postgres")
def test_each_question_reads_by_the_index(store: Store) -> None:
    record(store.using, *[n / 2 for n in reversed(range(6_000))])
    with connections[store.using].cursor() as cursor:
        cursor.execute("ANALYZE factos_event")
        with CaptureQueriesContext(connections[store.using]) as asked:
            recent_rate(store.using)
        read = []
        for each in asked:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {each['sql']}")
            read.append(rows_of(plan_of(cursor.fetchone()[0])))
    assert 60 <= max(read) <= 1_000


def plan_of(found: Any) -> Any:
    return (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def rows_of(plan: Any) -> float:
    """The rows that scans of the table and its indexes read."""
    own = 0.0
    if "Relation Name" in plan:
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    children: Sequence[Any] = plan.get("Plans", ())
    return own + sum(map(rows_of, children))
