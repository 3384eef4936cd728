"""``serve_demo``: real processes, and what is left of them however it ends: none."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from demo_project.settings import BASE_DIR
from demo_project.showcase.management.commands import serve_demo
from demo_project.showcase.port import HOST
from demo_project.staff import Clerk
from tests.children import free_port
from tests.demo.processes import environment_of_demo, processes_on, sqlite_at, until
from tests.faults.actors import PATIENCE
from tests.stores import flushed

#: What starts it as make does, and is killed as make may be.
PARENT = "import subprocess, sys; subprocess.run(sys.argv[1:])"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "demo.sqlite3"
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=BASE_DIR, env=environment_of_demo(sqlite_at(path)), check=True)
    return path


@contextmanager
def serving(path, *before, options=(), **streams):
    port = free_port()
    worker = path.with_name(f"{path.name}.messages") / "worker.log"
    process = subprocess.Popen(
        [sys.executable, *before, "manage.py", "serve_demo", "--port", str(port), *options],
        cwd=BASE_DIR,
        env=environment_of_demo(sqlite_at(path)),
        start_new_session=True,
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **streams},
    )
    with process:
        try:
            until(lambda: any("celery" in each for each in processes_on(path)))
            until(lambda: worker.exists() and "ready." in worker.read_text())
            assert len([each for each in processes_on(path) if " celery " in each]) > 2  # it has children
            yield process
        finally:
            process.kill()
            worker.unlink(missing_ok=True)


@pytest.mark.slow
def test_told_to_end_it_exits_with_0_and_leaves_no_process_behind(path):
    with serving(path) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        last = process.stdout.read().splitlines()[-1]  # and the only one, where it had not told the pages yet
        assert last == "Stopped. Nothing of it runs any more."
        assert processes_on(path) == []


@pytest.mark.slow
def test_it_ends_when_its_terminal_is_closed_though_nobody_tells_it(path):
    ours, theirs = pty.openpty()
    with serving(path, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        os.close(ours)
        assert process.wait(PATIENCE) == 0
        assert processes_on(path) == []


@pytest.mark.slow
def test_killed_it_leaves_no_process_behind(path):
    with serving(path) as process:
        process.kill()
        until(lambda: processes_on(path) == [])


@pytest.mark.slow
def test_it_ends_with_its_parent_if_it_is_to(path):
    command = ("-c", PARENT, sys.executable)
    with serving(path, *command, options=["--end-with-parent"]) as parent:
        assert any("serve_demo" in each for each in processes_on(path))
        parent.kill()
        until(lambda: processes_on(path) == [])


def test_a_database_that_is_not_there_is_told_with_what_to_do(monkeypatch):
    def failing():
        raise OperationalError("no such table: auth_user")

    monkeypatch.setattr(serve_demo, "how_to_log_in", failing)
    with pytest.raises(
        CommandError, match=r"^OperationalError: no such table: auth_user\nIs it there, and mig"
    ):
        call_command("serve_demo", port=free_port(), stdout=StringIO())


@flushed("default")
def test_one_that_keeps_dying_is_told_with_its_last_words(monkeypatch, tmp_path):
    def dying(folder, *_):
        return Clerk("web server", ("-c", "import sys; sys.exit('no bread today')"), tmp_path / "web.log")

    monkeypatch.setattr(serve_demo, "web_server", dying)
    monkeypatch.setattr(serve_demo, "run_factos", lambda _: clerk("run_factos"))
    monkeypatch.setattr(serve_demo, "worker", lambda _: clerk("worker"))
    monkeypatch.setattr(serve_demo, "ROUND", 0.01)

    def clerk(name):
        return Clerk(name, ("-c", "import time; time.sleep(600)"), tmp_path / f"{name}.log")

    with pytest.raises(CommandError, match=r"^The web server exits with 1:\n(no bread today\n)+$"):
        call_command("serve_demo", port=free_port(), stdout=StringIO())


@pytest.mark.django_db
def test_nothing_is_started_at_a_port_that_is_taken(monkeypatch):
    monkeypatch.setattr(serve_demo, "staff", None)
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        with pytest.raises(CommandError, match="cannot be used"):
            call_command("serve_demo", port=server.getsockname()[1], stdout=StringIO())
