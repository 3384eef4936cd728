"""Who works for the demo: a Celery worker, a relay, a web server; real processes that end with the block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from demo_project import leash
from demo_project.settings import BASE_DIR

__all__ = ["Clerk", "StaffFailed", "relay", "run_factos", "staff", "web_server", "worker"]

#: A process that dies is started again so often in a row. (Where messages are files, one may be read while it
#: is written, and Celery's worker ends.)
RESTARTS = 5
#: One that lived so long begins a new row (seconds).
LONG_ENOUGH = 60
#: So long it may take to end: what it is at is finished or killed before (seconds).
PATIENCE = leash.PATIENCE + 2

_LEASH = (sys.executable, "-m", "demo_project.leash")
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StaffFailed(Exception):
    """A process died again and again."""


@dataclass(slots=True, eq=False)
class Clerk:
    """One process, on a leash, with a session of its own: Ctrl-C reaches us alone, and we end it."""

    name: str
    command: tuple[str, ...]
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    deaths: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _started: float = 0.0

    def start(self) -> None:
        """Start it; what it prints is appended to its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_LEASH, sys.executable, *self.command],
                cwd=BASE_DIR,
                env={"FACTOS_POLL_SECONDS": "0.2", **os.environ, **self.settings},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started = time.monotonic()

    def look_after(self) -> None:
        """Start it again if it died; raise StaffFailed, with the end of its log, if it keeps dying."""
        if self._process is None or self._process.poll() is None:
            return
        self.deaths = 1 if time.monotonic() - self._started > LONG_ENOUGH else self.deaths + 1
        if self.deaths > RESTARTS:
            said = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise StaffFailed(f"The {self.name} exits with {self._process.returncode}:\n{said}")
        self._kill()
        self.start()

    def tell_to_end(self) -> None:
        """Let it go: it finishes what it is at."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def end(self) -> None:
        """Wait a moment for its end, and leave nothing of it behind."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
            self._kill()

    def _kill(self) -> None:
        assert self._process is not None
        self.tell_to_end()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def worker(folder: Path) -> Clerk:
    """Return a Celery worker."""
    # What workers tell each other is of no use to one, and asks for a broker that can do it.
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    command = ("-m", "celery", "-A", "demo_project", "worker", "--loglevel", "INFO", "--concurrency", "2")
    return Clerk("worker", (*command, *alone), folder / "worker.log", {"DEBUG": "0"})


def relay(folder: Path) -> Clerk:
    """Return a relay of effects."""
    return Clerk("relay", ("manage.py", "relay_effects"), folder / "relay.log", {"DEBUG": "0"})


def run_factos(folder: Path) -> Clerk:
    """Return a relay of effects and the followers of the projections, in one process."""
    return Clerk("run_factos", ("manage.py", "run_factos"), folder / "run_factos.log", {"DEBUG": "0"})


def web_server(folder: Path, address: str) -> Clerk:
    """Return Django's own server: it has a thread for each request, so a feed keeps nobody waiting."""
    return Clerk("web server", ("manage.py", "runserver", "--noreload", address), folder / "web.log")


@contextmanager
def staff(*clerks: Clerk) -> Iterator[Sequence[Clerk]]:
    """Let ``clerks`` work inside the block."""
    with _interruptible():
        try:
            for clerk in clerks:
                clerk.log.parent.mkdir(parents=True, exist_ok=True)
                clerk.start()
            yield clerks
        finally:
            for number in _ENDINGS:
                signal.signal(number, signal.SIG_IGN)  # once is enough
            for clerk in clerks:
                clerk.tell_to_end()
            for clerk in clerks:
                clerk.end()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let whatever would end this process raise KeyboardInterrupt, so that blocks are left in order.

    What nohup lets it ignore stays ignored.
    """
    before = [(number, signal.getsignal(number)) for number in _ENDINGS]
    for number, handler in before:
        if number != signal.SIGHUP or handler != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
