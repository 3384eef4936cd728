"""``make demo``: its steps, that it ends well only if all is right, and that it serves and leaves nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener
from zlib import crc32

import pytest
import redis
from celery import Celery
from django.db import connections

from demo_project.settings import BASE_DIR
from demo_project.showcase.port import HOST
from tests.children import free_port
from tests.demo.processes import environment_of_demo, processes_on, sqlite_at, until
from tests.settings import BROKERS, LEFT_OUT, SERVERS
from tests.stores import flushed

#: How long a whole demo may take where much else goes on (seconds).
LONG = 300

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed"),
    pytest.mark.xdist_group("make demo"),  # they look at one database, and it takes long to make
]


def command(*variables: str) -> list[str]:
    """Return the command that makes the demo in the environment of this test, which is not made anew."""
    return ["make", "--old-file=.venv/.ready", "demo", f"BIN={Path(sys.executable).parent}", *variables]


def make_demo(url, *variables, **others):
    return subprocess.run(
        command("SERVE=0", *variables),
        cwd=BASE_DIR,
        env=environment_of_demo(url, **others),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )


class Served:
    """A demo that is served, as a terminal holds it: in a group of its own."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, port: int) -> None:
        self.process, self._log = process, log
        self._site = f"http://{HOST}:{port}"
        self._browser = build_opener(HTTPCookieProcessor(CookieJar()))

    @property
    def printed(self) -> str:
        return self._log.read_text()

    def get(self, path: str) -> str:
        with self._browser.open(self._site + path, timeout=60) as answer:
            return str(answer.read().decode())

    def post(self, path: str, data: dict[str, Any], type: str = "application/json") -> str:
        body = json.dumps(data) if type == "application/json" else urlencode(data)
        headers = {"Content-Type": type, "Referer": self._site}
        request = Request(self._site + path, body.encode(), headers)
        with self._browser.open(request, timeout=60) as answer:
            return str(answer.read().decode())

    def interrupt(self) -> None:
        """Press Ctrl-C: the terminal tells all of the group."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(LONG)


@contextmanager
def served(url: str, log: Path) -> Iterator[Served]:
    port = free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command(f"PORT={port}"),
            cwd=BASE_DIR,
            env=environment_of_demo(url),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        demo = Served(process, log, port)
        until(lambda: process.poll() is not None or "What its processes say is in" in demo.printed, LONG)
        assert process.poll() is None, demo.printed
        yield demo
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A demo that was made from nothing, served, used and stopped: its database, and what it printed."""
    directory = tmp_path_factory.mktemp("demo")
    path = directory / "demo.sqlite3"
    with served(sqlite_at(path), directory / "printed") as demo:
        use(demo, path)
        demo.interrupt()
    return path, demo.printed, processes_on(path)


def use(demo: Served, path: Path) -> None:
    """Do what whoever reads what it printed may do: look, log in, buy, and get a mail."""
    assert "sells more tickets" in demo.get("/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', demo.get("/admin/"))
    told = re.search(r"user (\w+), password (\w+)", demo.printed)
    assert token is not None
    assert told is not None
    form = {"csrfmiddlewaretoken": token[1], "username": told[1], "password": told[2], "next": "/admin/"}
    assert "Site administration" in demo.post("/admin/login/", form, "application/x-www-form-urlencoded")
    assert "TicketSold" in demo.get("/admin/factos/event/")
    anybody = Served(demo.process, path, urlsplit(demo._site).port or 0)
    anybody.post("/commands/ticketing/open-conference/", {"conference": "late", "capacity": 1})
    anybody.post("/commands/ticketing/buy-ticket/", {"conference": "late", "buyer": "eve"})
    until(lambda: mails_to(path, "eve") == 1)


def mails_to(path: Path, buyer: str) -> int:
    with closing(sqlite3.connect(path, timeout=60)) as database:
        found = database.execute("SELECT count(*) FROM ticketing_mail WHERE buyer = ?", [buyer]).fetchone()
        return int(found[0])


@pytest.fixture
def copied(first, tmp_path):
    """The database of the first demo, to be harmed."""
    path = tmp_path / "demo.sqlite3"
    with closing(sqlite3.connect(first[0])) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)
    return path


def assert_all_is_right(printed, *, tickets):
    assert "The rule held: 100 of 100 tickets are sold." in printed
    assert "ticketing.sales_by_hour: caught up" in printed
    assert f"Each of {tickets} tickets is announced, by one mail.\n" in printed
    for name in ("ticketing.sales", "ticketing.sales_by_hour", "banking.balances"):
        told = [line for line in printed.splitlines() if line.startswith(f"{name}: ") and "events" in line]
        ends = [line.rpartition("; ")[2] for line in told]
        assert ends == ["all rows are right.", "all rows were right."]
    summary = printed[printed.index("All is right\n") :].splitlines()
    rows = {name: number for name, number, *_ in map(str.split, summary[1:5])}
    assert set(rows) == {"facts", "projections", "mails", "seconds"}
    assert int(rows["facts"].replace(",", "")) > 10_000
    assert int(rows["projections"]) >= 4
    assert rows["mails"] == str(tickets)


def tickets_told(printed):
    """How many are announced: a hundred of the sale, and those of the seed."""
    told = re.search(r"Each of (\d+) tickets", printed)
    assert told is not None, printed
    assert 300 < int(told[1]) < 500
    return int(told[1])


def assert_trouble_is_shown(printed):
    assert f"{tickets_told(printed) - 2} announcements were delivered at once." in printed
    for told in ("attempt 3, after MailboxBusy: ", "dead after attempt 1, UnknownMailbox: ", "attempt 2.\n"):
        assert printed.count(told) == 1, printed
    assert printed.count("factos_effects retry") == 1


def test_it_seeds_sells_follows_computes_checks_and_announces_on_a_new_database(first):
    _, printed, _ = first
    tickets = tickets_told(printed)
    assert_all_is_right(printed, tickets=tickets)
    assert_trouble_is_shown(printed)
    assert "10,000 facts of all contexts are there; 10,000 of them are new." in printed
    assert f"ticketing.sales_by_hour: caught up, {tickets} facts" in printed


def test_it_serves_until_ctrl_c_and_leaves_no_process_behind(first):
    _, printed, left = first
    assert left == []
    assert printed.index("All is right") < printed.index("The demo is served at http://127.0.0.1:")
    assert "Stopped. Nothing of it runs any more.\n" in printed


def test_a_second_time_it_goes_on_with_what_is_there(first, copied):
    done = make_demo(sqlite_at(copied))
    assert done.returncode == 0, done.stdout + done.stderr
    assert_all_is_right(done.stdout, tickets=tickets_told(first[1]) + 1)  # and the one that was bought then
    assert "10,000 facts of all contexts are there; 0 of them are new." in done.stdout
    assert "ticketing.sales_by_hour: caught up, 0 facts" in done.stdout


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE ticketing_conferencesales SET sold = 99", "ticketing.sales counts 99 tickets"),
        ("UPDATE ticketing_conferencesales SET capacity = 99", "ticketing.sales: .* rows are wrong: "),
        ("DELETE FROM ticketing_salesbyhour", "ticketing.sales_by_hour: .* rows are wrong: "),
    ],
)
def test_it_fails_if_a_row_is_wrong(copied, harm, told):
    with closing(sqlite3.connect(copied)) as database, database:
        database.execute(harm)
    done = make_demo(sqlite_at(copied), "FACTS=0")
    assert done.returncode != 0
    assert re.search(told, done.stdout + done.stderr)
    assert "Seeding" not in done.stdout
    assert "Computing" not in done.stdout


def test_a_taken_port_is_told_before_anything_is_done(tmp_path):
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        port = server.getsockname()[1]
        done = subprocess.run(
            command(f"PORT={port}"),
            cwd=BASE_DIR,
            env=environment_of_demo(sqlite_at(tmp_path / "demo.sqlite3")),
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG,
        )
    assert done.returncode != 0
    assert done.stdout == ""
    assert f"Port {port} cannot be used: " in done.stderr
    assert list(tmp_path.iterdir()) == []


@contextmanager
def broker_for(kind: str, name: str) -> Iterator[str]:
    """Give the URL of a broker; the queue of the demo on the database ``name`` is removed from it."""
    yield BROKERS[kind]
    queue = f"factos-demo-{crc32(name.encode()):08x}"
    if kind == "redis":
        with redis.Redis.from_url(BROKERS[kind]) as client:
            client.delete(queue, f"_kombu.binding.{queue}")
        return
    with Celery(broker=BROKERS[kind], set_as_current=False).connection_for_write() as connection:
        connection.default_channel.queue_delete(queue)
        connection.default_channel.exchange_delete(queue)


@pytest.mark.parametrize(
    ("alias", "kind"),
    [
        pytest.param(alias, kind, marks=flushed(alias))
        for alias, kind in (("postgres", "redis"), ("mariadb", "rabbitmq"))
        if alias in connections and kind not in LEFT_OUT
    ],
)
def test_it_does_so_on_the_servers(alias, kind):
    name = str(connections[alias].settings_dict["NAME"])
    url = urlsplit(SERVERS[alias])._replace(path=f"/{name}").geturl()
    with broker_for(kind, name) as broker:
        done = make_demo(url, CELERY_BROKER_URL=broker)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_all_is_right(done.stdout, tickets=tickets_told(done.stdout))
    assert_trouble_is_shown(done.stdout)
