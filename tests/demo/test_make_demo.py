"""``make demo``: its steps, and that it ends well only if all is right."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from django.db import connections

from demo_project.settings import BASE_DIR
from tests.settings import SERVERS
from tests.stores import flushed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed"),
]


def make_demo(url):
    """Run it in the environment of this test, which is not made anew."""
    foreign = ("DJANGO_SETTINGS_MODULE", "MAKEFLAGS", "MAKELEVEL", "FACTOS_GUARD", "CELERY_BROKER_URL")
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    directory = Path(sys.executable).parent
    return subprocess.run(
        ["make", "--old-file=.venv/.ready", "demo", "SERVE=0", f"BIN={directory}"],
        cwd=BASE_DIR,
        env=environment | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def assert_all_is_right(done):
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The rule held: 100 of 100 tickets are sold." in done.stdout
    assert "ticketing.sales_by_hour: caught up" in done.stdout
    assert done.stdout.rstrip().endswith("Each of 100 tickets is announced, by one mail.")
    for name in ("ticketing.sales", "ticketing.sales_by_hour"):
        told = [
            line for line in done.stdout.splitlines() if line.startswith(f"{name}: ") and "events" in line
        ]
        ends = [line.rpartition("; ")[2] for line in told]
        assert ends == ["all rows are right.", "all rows were right.", "all rows are right."]


def sqlite_at(path):
    return f"sqlite:///{quote(str(path))}"


def assert_trouble_is_shown(done):
    assert "98 announcements were delivered at once." in done.stdout
    for told in ("attempt 3, after MailboxBusy: ", "dead after attempt 1, UnknownMailbox: ", "attempt 2.\n"):
        assert done.stdout.count(told) == 1, done.stdout
    assert done.stdout.count("factos_effects retry") == 1


def test_it_sells_follows_computes_checks_and_announces_on_a_new_database_and_again(tmp_path):
    first, second = (make_demo(sqlite_at(tmp_path / "demo.sqlite3")) for _ in range(2))
    assert_all_is_right(first)
    assert_all_is_right(second)
    assert_trouble_is_shown(first)
    assert "caught up, 100 facts" in first.stdout
    assert "caught up, 0 facts" in second.stdout


@pytest.mark.parametrize(
    "alias",
    [pytest.param(alias, marks=flushed(alias)) for alias in ("postgres", "mariadb") if alias in connections],
)
def test_it_does_so_on_the_servers(alias):
    name = connections[alias].settings_dict["NAME"]
    done = make_demo(urlsplit(SERVERS[alias])._replace(path=f"/{name}").geturl())
    assert_all_is_right(done)
    assert_trouble_is_shown(done)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE ticketing_conferencesales SET sold = 99", "ticketing.sales counts 99 tickets"),
        ("UPDATE ticketing_conferencesales SET capacity = 99", "ticketing.sales: 101 events to position 101"),
        ("DELETE FROM ticketing_salesbyhour", "rows are wrong: "),
    ],
)
def test_it_fails_if_a_row_is_wrong(tmp_path, harm, told):
    path = tmp_path / "demo.sqlite3"
    assert make_demo(sqlite_at(path)).returncode == 0
    with sqlite3.connect(path) as database:
        database.execute(harm)
    done = make_demo(sqlite_at(path))
    assert done.returncode != 0
    assert told in done.stdout + done.stderr
