"""``announce_sales``: a real worker and a real relay, on messages that are files."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from demo_project.settings import BASE_DIR
from tests.demo.processes import environment_of_demo, processes_on, sqlite_at, until
from tests.faults.actors import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture
def demo(tmp_path):
    return Demo(tmp_path / "demo.sqlite3")


class Demo:
    """The demo on a database of its own, with ten tickets sold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = environment_of_demo(sqlite_at(path), DEBUG="0")
        self.done("migrate", "--verbosity", "0")
        self.done(
            "sell_tickets", "--capacity", "10", "--attempts", "10", "--concurrency", "2",
            FACTOS_CELERY_NUDGE="false",
        )  # fmt: skip

    def start(self, *arguments: str, **others: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env={**self.environment, **others},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ended(self, *arguments: str, **others: str) -> tuple[int, str]:
        process = self.start(*arguments, **others)
        printed, _ = process.communicate(timeout=2 * PATIENCE)
        return process.returncode, printed

    def done(self, *arguments: str, **others: str) -> str:
        status, printed = self.ended(*arguments, **others)
        assert status == 0, printed
        return printed

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as database, database:
            return database.execute(statement).fetchall()

    def processes(self) -> list[str]:
        return processes_on(self.path)


def test_each_ticket_is_announced_by_one_mail_and_a_second_run_has_nothing_to_do(demo):
    printed = demo.done("announce_sales")
    assert "8 announcements were delivered at once." in printed
    assert "delivered at attempt 3, after MailboxBusy: " in printed
    assert "dead after attempt 1, UnknownMailbox: " in printed
    assert "the address is put right: factos_effects retry " in printed
    assert "delivered at attempt 2." in printed
    assert demo.done("announce_sales") == "Each of 10 tickets is announced, by one mail.\n"
    assert demo.sql("SELECT attempt, count(*) FROM ticketing_mail GROUP BY attempt") == [
        (1, 8),
        (2, 1),
        (3, 1),
    ]
    assert demo.sql("SELECT action, state, attempts FROM factos_effectaction") == [("retry", "dead", 1)]


def test_it_fails_if_a_mail_is_missing_or_is_one_too_many(demo):
    demo.done("announce_sales")
    demo.sql("DELETE FROM ticketing_mail WHERE attempt = 3")
    status, printed = demo.ended("announce_sales")
    assert (status, "1 of 10 tickets are not announced" in printed) == (1, True), printed
    demo.sql(
        "INSERT INTO ticketing_mail (key, conference, buyer, text, attempt, sent_at)"
        " VALUES ('k', 'gleamconf-2026', 'ada', 'Yours.', 1, '2026-01-01')"
    )
    status, printed = demo.ended("announce_sales")
    assert (status, "1 mails announce no ticket" in printed) == (1, True), printed


def test_it_fails_if_nothing_moves_and_leaves_no_process_behind(demo):
    nowhere = {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    status, printed = demo.ended("announce_sales", "--patience", "3", **nowhere)
    assert status == 1
    assert "10 announcements are left, and nothing moves. See " in printed
    assert demo.processes() == []
    assert "8 announcements were delivered at once." in demo.done("announce_sales")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_leaves_no_process_behind_when_it_is_interrupted_and_goes_on_the_next_time(demo, number):
    demo.sql("UPDATE factos_effect SET publish_at = '2099-01-01', available_at = '2099-01-01'")
    process = demo.start("announce_sales")
    worker = demo.path.with_name(f"{demo.path.name}.messages") / "worker.log"
    until(lambda: worker.exists() and "ready." in worker.read_text())
    assert any(" celery " in each for each in demo.processes())
    assert any("relay_effects" in each for each in demo.processes())
    process.send_signal(number)
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, printed
    assert "Stopped. What is left is announced the next time." in printed
    assert demo.processes() == []
    demo.sql("UPDATE factos_effect SET publish_at = '2020-01-01', available_at = '2020-01-01'")
    assert "Each of 10 tickets is announced, by one mail." in demo.done("announce_sales")


def test_a_worker_that_dies_is_replaced(demo):
    demo.sql("UPDATE factos_effect SET publish_at = '2099-01-01', available_at = '2099-01-01'")
    process = demo.start("announce_sales")
    worker = demo.path.with_name(f"{demo.path.name}.messages") / "worker.log"
    until(lambda: worker.exists() and "ready." in worker.read_text())
    for pid in Path("/proc").glob("[0-9]*"):
        try:
            runs = (pid / "cmdline").read_text().replace("\0", " ")
            if " celery " in runs and str(demo.path).encode() in (pid / "environ").read_bytes():
                os.kill(int(pid.name), signal.SIGKILL)
        except OSError:
            continue
    demo.sql("UPDATE factos_effect SET publish_at = '2020-01-01', available_at = '2020-01-01'")
    printed, _ = process.communicate(timeout=2 * PATIENCE)
    assert process.returncode == 0, printed
    assert "Each of 10 tickets is announced, by one mail." in printed
    assert demo.processes() == []
