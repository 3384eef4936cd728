"""Processes that a test starts anew: management commands and Celery workers on the test databases."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from demo_project.settings import BASE_DIR
from tests.faults.actors import PATIENCE

__all__ = ["Child", "child", "environment", "environment_apart", "free_port", "manage"]


def environment(**settings: Any) -> dict[str, str]:
    """Return the environment of a child with these settings."""
    names = {alias: str(connections[alias].settings_dict["NAME"]) for alias in connections}
    given = {name: value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()}
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.child_settings",
        "FACTOS_TEST_NAMES": json.dumps(names),
        "PYTHONUNBUFFERED": "1",
        **given,
    }


def environment_apart() -> dict[str, str]:
    """Return the environment of a child that makes test databases of its own, and removes them."""
    return {name: value for name, value in os.environ.items() if name != "FACTOS_TEST_DIRECTORY"}


def free_port() -> int:
    """Return a port of 127.0.0.1 where nobody listens, for a child that will."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def manage(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py`` to its end."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command,
        cwd=BASE_DIR,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


class Child:
    """A process that goes on; what it prints is kept."""

    def __init__(self, *command: str, **settings: Any) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """What it has printed."""
        return "".join(self._lines)

    def says(self, text: str) -> None:
        """Return once it has printed ``text``."""
        with self._said:
            assert self._said.wait_for(lambda: text in self.output, PATIENCE), self.output

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for its end; return its exit status, the negative of the signal that killed it."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._said:
                self._lines.append(line)
                self._said.notify_all()
        self.process.stdout.close()


@contextmanager
def child(*command: str, **settings: Any) -> Iterator[Child]:
    """Run a process, which is not left behind."""
    started = Child(*command, **settings)
    try:
        yield started
    finally:
        started.process.kill()
        started.end()
