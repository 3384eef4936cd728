"""That the benchmark measures what it says. How fast anything is, is not asserted."""

import json
import math
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import dj_database_url
import psycopg
import pytest
import redis

from factos_django.core.event_types import type_of
from tests.benchmarks.__main__ import ADMIN, PAGE, ROWS, chosen, is_whole, parsed
from tests.benchmarks.admin.table import cells_of
from tests.benchmarks.bench import FLOOR, OURS, PEER, SHORT, SUBJECTS, Bench, missing_subjects
from tests.benchmarks.brokers import CONDITIONS
from tests.benchmarks.circumstances import circumstances
from tests.benchmarks.clients import ClientFailed
from tests.benchmarks.databases import Databases
from tests.benchmarks.facts import BYTES, FACTS_OF_A_CONTEXT, TYPE, Fact, fact_of_log
from tests.benchmarks.figures import percentile, rate, ratio
from tests.benchmarks.groups import GROUPS
from tests.benchmarks.measuring import measure
from tests.benchmarks.ours import noted
from tests.benchmarks.processor_time import of_the_server
from tests.benchmarks.report import BEGIN, FAILED, Measured, rendered, replaced, table
from tests.benchmarks.rows import Line, Row
from tests.benchmarks.tasks import Job, until
from tests.markdown import END
from tests.settings import BROKERS, LEFT_OUT, SERVERS


def rows_of(scale):
    return [row for rows_of_group in GROUPS.values() for row in rows_of_group(scale)]


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
def test_ours_and_the_floor_store_the_same_200_bytes_and_two_tags(fact):
    event = noted(fact)
    assert type_of(event).encode(event) == fact.data
    assert len(fact.data) == BYTES
    assert type_of(event).tags_of(event) == fact.tags


@pytest.mark.parametrize("fact", [Fact("0", "0"), Fact("warm-15-19", "x"), fact_of_log(123_456, 1_000_000)])
def test_the_peer_stores_as_many_bytes_under_the_same_name(fact):
    msgpack = pytest.importorskip("eventsourcing.dcb.msgpack")
    peer = pytest.importorskip("tests.benchmarks.peer")
    stored = msgpack.MessagePackMapper().to_dcb_event(peer.noted(fact))
    assert (len(stored.data), stored.type, tuple(stored.tags)) == (BYTES, TYPE, fact.tags)


def test_ours_is_measured_with_prepared_statements_where_the_row_says_so():
    bench = Bench(Databases("postgres://ada@localhost/postgres?sslmode=prefer"), scale=SHORT, runs=1)
    usual, prepared = (
        dj_database_url.parse(bench.environment(OURS, "log", prepared=each)["DATABASE_URL"])
        for each in (False, True)
    )
    assert usual["OPTIONS"] == {"sslmode": "prefer"}
    assert prepared["OPTIONS"] == usual["OPTIONS"] | {"server_side_binding": True, "prepare_threshold": 1}


def test_a_log_has_ten_facts_of_each_context():
    contexts = [fact_of_log(ordinal, 1000).context for ordinal in range(1000)]
    assert {contexts.count(context) for context in contexts} == {FACTS_OF_A_CONTEXT}


@needs_postgres
def test_the_server_is_asked_for_what_its_processes_took(bench):
    database = bench.databases.make()
    with bench.databases.connected(database) as connection:
        name = Path(f"/proc/{connection.info.backend_pid}/comm")
        if not (name.exists() and name.read_text(encoding="utf-8").startswith("postgres")):
            pytest.skip("It reads /proc of the server's machine.")
    before = of_the_server(bench, database)
    with bench.databases.connected(database) as connection:
        connection.execute("SELECT count(md5(n::text)) FROM generate_series(1, 300000) AS n")
        times = Path(f"/proc/{connection.info.backend_pid}/schedstat")
        taken = int(times.read_text(encoding="utf-8").split()[0]) / 1e9
    assert of_the_server(bench, database) - before >= taken - 0.03  # the kernel adds up ticks


@needs_postgres
@pytest.mark.parametrize("subject", [OURS, FLOOR])
def test_a_client_tells_what_its_appends_took_of_a_processor(bench, subject):
    with bench.fresh(subject) as database:
        (told,) = bench.clients(subject, database, [Job("append", seconds=0.5)])
    assert 0 < told["processor"] < told["seconds"] + 0.1


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
    measured = Measured(line, {OURS: [300, 100, 200], PEER: [100, 100, 50], FLOOR: []})
    row = table({"log": [measured]}).splitlines()[2]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        *("log", "appends (per s)", "200", "100", "-", "2", "-", "300 / 100 / 200", "1,588", "1,700")
    ]


def test_one_failed_run_makes_the_median_fail():
    assert "| failed |" in table({"log": [Measured(Line("appends"), {OURS: [300, FAILED, 200]})]})


def test_all_rows_of_the_table_have_as_many_cells():
    lines = table({"log": [Measured(line, {}) for row in rows_of(SHORT) for line in row.lines]}).splitlines()
    assert {line.count(" | ") for line in lines} == {lines[0].count(" | ")}


def test_only_what_stands_between_the_marks_is_replaced():
    begin, other = BEGIN[ROWS], f"{BEGIN[ADMIN]}\nold\n{END}\nafter\n"
    page = f"before\n{begin}\nold\n{END}\n{other}"
    assert replaced(page, "new\n", ROWS) == f"before\n{begin}\n\nnew\n\n{END}\n{other}"
    assert replaced(replaced(page, "new", ADMIN), "new", ADMIN) == replaced(page, "new", ADMIN)
    assert replaced(page, "new", ADMIN).startswith(f"before\n{begin}\nold\n{END}\n{BEGIN[ADMIN]}\n\nnew")


def test_a_page_of_the_admin_has_its_figures_on_both_databases_and_its_aim():
    took = {"statements": 5, "milliseconds": [30.0, 10.0, 20.5]}
    found = [{"events": took | {"is_list": True}, "tags": took | {"is_list": False}}] * 2
    assert cells_of("events", found) == ["events", *["5", "20.5", "30"] * 2, "50"]
    assert cells_of("tags", found)[-1] == "100"


@pytest.mark.parametrize("page", ["", BEGIN[ROWS], f"{END} {BEGIN[ROWS]}", END])
def test_a_page_without_both_marks_is_not_written(page):
    with pytest.raises(ValueError, match="lacks one of the marks"):
        replaced(page, "new", ROWS)


def test_the_page_of_the_repository_has_both_marks():
    for part in (ROWS, ADMIN):
        assert replaced(PAGE.read_text(), "new", part).count("new\n\n<!--") == 1


def asked_for(monkeypatch, line):
    monkeypatch.setattr(sys, "argv", ["tests.benchmarks", *line.split()])
    return parsed()


@pytest.mark.parametrize(
    ("line", "whole"), [("--runs 1", True), ("--part rest", False), ("--only hot", False), ("--huge", False)]
)
def test_the_table_of_all_rows_is_whole_when_nothing_is_left_out(monkeypatch, line, whole):
    assert is_whole(ROWS, asked_for(monkeypatch, line)) == whole


def test_the_command_line_chooses_rows_by_their_parts_and_by_their_names(monkeypatch):
    assert [*chosen(asked_for(monkeypatch, ""), SHORT)] == [*GROUPS]
    assert [*chosen(asked_for(monkeypatch, "--part admin"), SHORT)] == ["admin"]
    found = chosen(asked_for(monkeypatch, "--only hot --only disk"), SHORT)
    assert {name: [row.name for row in rows] for name, rows in found.items() if rows} == {
        "appends": ["hot"],
        "log": ["disk"],
    }


def test_the_huge_log_is_of_ours_alone(monkeypatch):
    (rows,) = chosen(asked_for(monkeypatch, "--huge"), SHORT).values()
    assert {row.subjects for row in rows} == {(OURS,)}
    assert all(f"{SHORT.huge:,}" in line.label for row in rows for line in row.lines)


def test_each_row_has_a_name_of_its_own():
    names = [row.name for row in rows_of(SHORT)]
    assert len(names) == len({*names})


def test_the_lines_of_a_series_stand_together():
    rows = [
        Row(name, (Line(f"read {name}"), Line(f"append {name}")), lambda *_: [1, 2], (), series="log")
        for name in ("small", "big")
    ]
    alone = Row("alone", (Line("replay"),), lambda *_: [3], ())
    labels = [each.line.label for each in measure(Bench(None, SHORT, 1), [*rows, alone], lambda _: None)]
    assert labels == ["read small", "read big", "append small", "append big", "replay"]


def row_named(name):
    (row,) = (row for row in rows_of(SHORT) if row.name == name)
    return row


def rows_written(bench, subject, task, **job):
    """What stands in the tables after a job, without what differs: positions, ids and times."""
    tags = (
        "SELECT array_agg((value, tag.type) ORDER BY value) FROM factos_tag AS tag WHERE event_id = position"
    )
    columns = f"type, version, data::text, metadata::text, decision, tags::text, ({tags})"
    with bench.fresh(subject) as database:
        bench.clients(subject, database, [Job(task, **job)])
        with bench.databases.connected(database) as connection:
            return connection.execute(f"SELECT {columns} FROM factos_event ORDER BY position").fetchall()


@needs_postgres
@pytest.mark.parametrize("batch", [1, 7])
def test_the_floor_writes_the_rows_that_ours_writes(bench, batch):
    ours, floor = (rows_written(bench, subject, "fill", log=20, batch=batch) for subject in (OURS, FLOOR))
    assert len(ours) == 20
    assert ours == floor


@needs_postgres
def test_a_row_is_measured_for_every_subject_that_is_there_and_leaves_no_database(bench):
    (measured,) = measure(bench, [row_named("append-1")], lambda _: None)
    assert {*measured.values} == {*bench.subjects}
    assert all(len(values) == 1 and values[0] > 0 for values in measured.values.values())
    bench.databases.remove_all()
    assert existing_databases(bench) == []


@needs_postgres
@pytest.mark.parametrize("name", ["disk", "replay-small", "rebuild-small", "inline", "admin-small"])
def test_logs_and_what_follows_them_are_measured_in_databases_that_do_not_stay(bench, name):
    measured = list(measure(bench, [row_named(name)], lambda _: None))
    assert all(each.values[OURS][0] > 0 for each in measured)
    assert all(value > 0 for each in measured for values in each.values.values() for value in values)
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
    measured = list(measure(bench, [row_named(name)], lambda _: None))
    assert all(values[0] > 0 for each in measured for values in each.values.values())
    with redis.Redis.from_url(BROKERS["redis"]) as client:
        assert list(client.scan_iter(f"{prefixes[0]}*")) == []


@needs_postgres
@pytest.mark.parametrize("name", ["reactor-none", "reactor-down", "reactor-hanging"])
def test_appends_are_measured_while_no_broker_answers(bench, name):
    measured = list(measure(bench, [row_named(name)], lambda _: None))
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


def test_nothing_goes_on_with_the_facts_of_the_plain_rows():
    program = (
        "import django; django.setup(); import tests.benchmarks.ours; "
        "from factos_django.registry import HANDLERS, PROJECTIONS, REACTORS; "
        "print([len(each) for each in (HANDLERS, PROJECTIONS, REACTORS)])"
    )
    told = {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings", "DATABASE_URL": "sqlite://:memory:"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **told},
        cwd=PAGE.parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[0, 0, 0]"
