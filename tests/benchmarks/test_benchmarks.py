"""That the benchmark measures what it says. How fast anything is, is not asserted."""

import json
import math
import re
from contextlib import contextmanager

import psycopg
import pytest
import redis

from factos_django.core.event_types import type_of
from tests.benchmarks.admin.table import cells_of
from tests.benchmarks.bench import FLOOR, OURS, PEER, SHORT, SUBJECTS, Bench, missing_subjects
from tests.benchmarks.brokers import CONDITIONS
from tests.benchmarks.circumstances import circumstances
from tests.benchmarks.clients import ClientFailed
from tests.benchmarks.databases import Databases
from tests.benchmarks.facts import BYTES, FACTS_OF_A_CONTEXT, Fact, fact_of_log
from tests.benchmarks.figures import percentile, rate, ratio
from tests.benchmarks.floor import script_of
from tests.benchmarks.measuring import measure
from tests.benchmarks.ours import noted
from tests.benchmarks.report import BEGIN, END, FAILED, Measured, rendered, replaced, table
from tests.benchmarks.rows import Line, Row, rows_of
from tests.benchmarks.tasks import Job, until
from tests.settings import BROKERS, LEFT_OUT, SERVERS

needs_postgres = pytest.mark.skipif("postgres" in LEFT_OUT, reason="PostgreSQL is left out")


@pytest.fixture
def bench():
    there = tuple(subject for subject in SUBJECTS if subject not in missing_subjects())
    made = Bench(Databases(SERVERS["postgres"]), scale=SHORT, runs=1, subjects=there)
    yield made
    made.databases.remove_all()


def existing_databases(bench):
    with bench.databases.connected() as connection:
        names = [name for (name,) in connection.execute("SELECT datname FROM pg_database")]
    return [name for name in names if name in bench.databases._names]


@pytest.mark.parametrize("fact", [Fact("0", "0"), Fact("warm-15-19", "x"), fact_of_log(123_456, 1_000_000)])
def test_ours_and_the_peer_store_the_same_200_bytes_and_two_tags(fact):
    event = noted(fact)
    assert type_of(event).encode(event) == fact.data
    assert len(fact.data) == BYTES
    assert type_of(event).tags_of(event) == fact.tags


def test_a_log_has_ten_facts_of_each_context():
    contexts = [fact_of_log(ordinal, 1000).context for ordinal in range(1000)]
    assert {contexts.count(context) for context in contexts} == {FACTS_OF_A_CONTEXT}


def test_the_slowest_client_tells_the_rate_of_a_group():
    assert rate([{"count": 30, "seconds": 1.0}, {"count": 10, "seconds": 2.0}]) == 20


@pytest.mark.parametrize(("percent", "expected"), [(1, 1), (50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_one_of_the_values(percent, expected):
    assert percentile([*range(100, 0, -1)], percent) == expected
    assert percentile([7.0], percent) == 7.0


def test_a_ratio_needs_both_sides_and_something_to_divide_by():
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(0.0, 2.0) == 0.0
    assert [ratio(None, 2.0), ratio(3.0, None), ratio(3.0, 0.0)] == [None, None, None]


def test_a_task_by_time_counts_each_operation_and_how_long_it_took():
    seen = []
    result = until(0.01, seen.append)
    assert seen == [*range(len(seen))]
    assert result["count"] == len(result["milliseconds"]) == len(seen) > 0
    assert result["seconds"] >= 0.01


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "-"),
        (math.nan, "failed"),
        (0, "0"),
        (0.1234, "0.12"),
        (12.34, "12.3"),
        (138, "138"),
        (48_123.4, "48,123"),
    ],
)
def test_a_number_has_the_digits_that_mean_something(number, text):
    assert rendered(number) == text


def test_the_table_shows_medians_and_ratios_and_leaves_open_what_is_not_there():
    line = Line("appends (per s)", "1,588", "1,700")
    row = table([Measured(line, {OURS: [300, 100, 200], PEER: [100, 100, 50], FLOOR: []})]).splitlines()[2]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        *("appends (per s)", "200", "100", "-", "2", "-", "300 / 100 / 200", "1,588", "1,700")
    ]


def test_one_failed_run_makes_the_median_fail():
    assert "| failed |" in table([Measured(Line("appends"), {OURS: [300, FAILED, 200]})])


def test_all_rows_of_the_table_have_as_many_cells():
    lines = table([Measured(line, {}) for row in rows_of(SHORT) for line in row.lines]).splitlines()
    assert {line.count(" | ") for line in lines} == {lines[0].count(" | ")}


def test_only_what_stands_between_the_marks_is_replaced():
    begin, other = BEGIN["log"], f"{BEGIN['rest']}\nold\n{END}\nafter\n"
    page = f"before\n{begin}\nold\n{END}\n{other}"
    assert replaced(page, "new\n", "log") == f"before\n{begin}\n\nnew\n\n{END}\n{other}"
    assert replaced(replaced(page, "new", "rest"), "new", "rest") == replaced(page, "new", "rest")
    assert replaced(page, "new", "rest").startswith(f"before\n{begin}\nold\n{END}\n{BEGIN['rest']}\n\nnew")


def test_a_page_of_the_admin_has_its_figures_on_both_databases_and_its_aim():
    took = {"statements": 5, "milliseconds": [30.0, 10.0, 20.5]}
    found = [{"events": took | {"is_list": True}, "tags": took | {"is_list": False}}] * 2
    assert cells_of("events", found) == ["events", *["5", "20.5", "30"] * 2, "50"]
    assert cells_of("tags", found)[-1] == "100"


@pytest.mark.parametrize("page", ["", BEGIN["log"], f"{END} {BEGIN['log']}", END])
def test_a_page_without_both_marks_is_not_written(page):
    with pytest.raises(ValueError, match="lacks one of the marks"):
        replaced(page, "new", "log")


def test_the_page_of_the_repository_has_both_marks():
    from tests.benchmarks.__main__ import ADMIN, PAGE, PARTS

    for part in (*PARTS, ADMIN):
        assert replaced(PAGE.read_text(), "new", part).count("new\n\n<!--") == 1


def test_each_row_has_a_name_of_its_own():
    names = [row.name for row in rows_of(SHORT)]
    assert len(names) == len({*names})


def test_the_scripts_of_the_floor_have_no_variable_but_the_drawn_one():
    names = ["append", "append_batches", "append_known", "dispatch_and_hold", "read_context"]
    scripts = "\n".join(script_of(name, log=100) for name in names)
    assert {*re.findall(r"(?<!:):([A-Za-z0-9_]+)", scripts)} == {"n"}


@needs_postgres
def test_a_row_is_measured_for_every_subject_that_is_there_and_leaves_no_database(bench):
    (row,) = (row for row in rows_of(bench.scale) if row.name == "append-1")
    (measured,) = measure(bench, [row], lambda _: None)
    assert {*measured.values} == {*bench.subjects}
    assert all(len(values) == 1 and values[0] > 0 for values in measured.values.values())
    bench.databases.remove_all()
    assert existing_databases(bench) == []


@needs_postgres
@pytest.mark.parametrize("name", ["rebuild-small", "inline"])
def test_what_projections_take_is_measured_in_databases_that_do_not_stay(bench, name):
    (row,) = (row for row in rows_of(bench.scale) if row.name == name)
    measured = list(measure(bench, [row], lambda _: None))
    assert all(values[0] > 0 for each in measured for values in each.values.values())
    bench.databases.remove_all()
    assert existing_databases(bench) == []


@needs_postgres
@pytest.mark.skipif("redis" in LEFT_OUT, reason="Redis is left out")
@pytest.mark.parametrize("name", ["effects", "effect", "reactor-up"])
def test_effects_are_delivered_by_workers_and_leave_nothing_at_the_broker(bench, name, monkeypatch):
    up, prefixes = CONDITIONS["up"], []

    @contextmanager
    def noted():
        with up() as environment:
            prefixes.append(json.loads(environment["CELERY_BROKER_TRANSPORT_OPTIONS"])["global_keyprefix"])
            yield environment

    monkeypatch.setitem(CONDITIONS, "up", noted)
    (row,) = (row for row in rows_of(bench.scale) if row.name == name)
    measured = list(measure(bench, [row], lambda _: None))
    assert all(values[0] > 0 for each in measured for values in each.values.values())
    with redis.Redis.from_url(BROKERS["redis"]) as client:
        assert list(client.scan_iter(f"{prefixes[0]}*")) == []


@needs_postgres
@pytest.mark.parametrize("name", ["reactor-none", "reactor-down", "reactor-hanging"])
def test_appends_are_measured_while_no_broker_answers(bench, name):
    (row,) = (row for row in rows_of(bench.scale) if row.name == name)
    measured = list(measure(bench, [row], lambda _: None))
    assert all(values[0] > 0 for each in measured for values in each.values.values())


@needs_postgres
def test_what_the_clients_were_told_is_in_the_log(bench):
    with bench.fresh(OURS) as database:
        jobs = Job("decide", count=3).numbered(2)
        results = bench.clients(OURS, database, jobs)
        with bench.databases.connected(database) as connection:
            statement = "SELECT count(*) FROM factos_tag WHERE value = 'context:hot-0'"
            assert connection.execute(statement).fetchone() == (6,)
    assert [result["conflicts"] for result in results] == [0, 0]


@needs_postgres
def test_a_measurement_that_fails_is_told_and_does_not_end_the_others(bench, capfd):
    row = Row(
        "bad", (Line("bad"),), lambda *_: bench.clients(OURS, "no_such_database", [Job("append")]), (OURS,)
    )
    (measured,) = measure(bench, [row], lambda _: None)
    assert math.isnan(measured.median_of(OURS))
    assert "bad of ours failed" in capfd.readouterr().err


@needs_postgres
def test_a_database_is_removed_when_its_measurement_breaks_off(bench):
    with pytest.raises(ClientFailed), bench.fresh(OURS) as database:
        raise ClientFailed(database)
    assert database not in existing_databases(bench)


@needs_postgres
def test_the_circumstances_name_the_server_and_its_durability(bench):
    with bench.databases.connected() as connection:
        text = circumstances(connection)
    assert f"PostgreSQL {connection_version()}" in text
    assert "synchronous_commit=" in text
    assert "revision: " in text


def connection_version():
    with psycopg.connect(SERVERS["postgres"]) as connection:
        return connection.execute("SHOW server_version").fetchone()[0]
