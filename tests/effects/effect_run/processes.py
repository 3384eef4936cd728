"""The processes of a run: writers, relays and Celery workers, each a group that can be killed or frozen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from demo_project.settings import BASE_DIR
from tests.children import environment

__all__ = ["Crew", "Process", "relay_command", "worker_command"]

#: How long a process may take to say something, or to end (seconds).
_PATIENCE = 60


def worker_command(name: str, *, solo: bool) -> list[str]:
    """Return what starts a Celery worker: one process, or one with two children."""
    command = [sys.executable, "-m", "celery", "-A", "tests.celery_app", "worker", "--loglevel", "INFO"]
    pool = ["--pool", "solo"] if solo else ["--pool", "prefork", "--concurrency", "2"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [*command, *pool, *quiet, "--hostname", f"{name}@%h"]


def relay_command(using: str) -> list[str]:
    """Return what starts a relay."""
    return [sys.executable, "manage.py", "relay_effects", "--database", using]


class Process:
    """One of them. What it prints is in a file."""

    def __init__(self, name: str, command: list[str], directory: Path, **settings: Any) -> None:
        self.name, self.command, self.settings = name, command, settings
        self._file = directory / f"{name}.log"
        with self._file.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=BASE_DIR,
                env=environment(**settings),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._file.read_text(errors="replace")

    @property
    def status(self) -> int | None:
        """Its exit status, the negative of the signal that killed it; None while it lives."""
        return self.process.poll()

    @property
    def is_frozen(self) -> bool:
        """Tell what the operating system says of it."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def says(self, text: str) -> None:
        """Return once it has printed ``text``."""
        deadline = time.monotonic() + _PATIENCE
        while text not in self.output:
            is_silent = self.status is not None or time.monotonic() > deadline
            assert not is_silent, f"{self.name} does not say {text!r}: {self.output[-3000:]}"
            time.sleep(0.05)

    def tell(self, text: str) -> None:
        """Say something to it."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError, ValueError):  # it is dead, and its end was seen or not
            self.process.stdin.write(f"{text}\n".encode())
            self.process.stdin.flush()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def end(self) -> int:
        """Wait for its end; return its exit status."""
        return self.process.wait(_PATIENCE)

    def kill(self) -> int:
        """Kill it and its children, and return its exit status."""
        self.send(signal.SIGKILL)
        status = self.end()
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        return status


class Crew:
    """All processes of a run."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self._directory, self._settings = directory, settings
        self.processes: list[Process] = []
        self._numbers = 0

    def start(self, kind: str, command: list[str], **settings: Any) -> Process:
        """Start one more of a kind."""
        self._numbers += 1
        name = f"{kind}-{self._numbers}"
        made = Process(
            name,
            [word.format(name=name) if word == "{name}" else word for word in command],
            self._directory,
            **(self._settings | settings),
        )
        self.processes.append(made)
        return made

    def of(self, kind: str) -> list[Process]:
        """Return those of a kind that live."""
        return [each for each in self.processes if each.name.startswith(kind) and each.status is None]

    def end(self) -> None:
        """Leave none behind."""
        for each in self.processes:
            each.kill()


@contextmanager
def crew(directory: Path, **settings: Any) -> Iterator[Crew]:
    """Give a crew, of which nobody is left behind."""
    made = Crew(directory, **settings)
    try:
        yield made
    finally:
        made.end()
