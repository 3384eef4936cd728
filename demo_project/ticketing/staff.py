"""Who announces what was sold: a Celery worker and a relay, real processes that end with the block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from demo_project.settings import BASE_DIR

__all__ = ["Clerk", "StaffFailed", "staff"]

WORKER = ("-m", "celery", "-A", "demo_project", "worker", "--loglevel", "INFO", "--concurrency", "2")
#: What workers tell each other is of no use to one, and asks for a broker that can do it.
ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")
RELAY = ("manage.py", "relay_effects")

#: A process that dies is started again so often. (Where messages are files, one may be read while it is
#: written, and Celery's worker ends.)
RESTARTS = 5
#: How long a process has to finish what it is at (seconds).
PATIENCE = 10


class StaffFailed(Exception):
    """A process died again and again."""


@dataclass(slots=True, eq=False)
class Clerk:
    """One process, with a session of its own: Ctrl-C reaches us alone, and we end it with its children."""

    name: str
    command: tuple[str, ...]
    log: Path
    deaths: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start it; what it prints is appended to its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=BASE_DIR,
                env={"FACTOS_POLL_SECONDS": "0.2", **os.environ, "DEBUG": "0"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def look_after(self) -> None:
        """Start it again if it died; raise StaffFailed, with the end of its log, if it keeps dying."""
        if self._process is None or self._process.poll() is None:
            return
        self.deaths += 1
        if self.deaths > RESTARTS:
            said = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise StaffFailed(f"The {self.name} exits with {self._process.returncode}:\n{said}")
        self._kill()
        self.start()

    def tell_to_end(self) -> None:
        """Ask it to finish what it is at."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """Wait a moment for its end, and leave nothing of it behind."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
            self._kill()

    def _kill(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextmanager
def staff(folder: Path) -> Iterator[Sequence[Clerk]]:
    """Let a worker and a relay work inside the block; their logs are in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    clerks = [
        Clerk("worker", (*WORKER, *ALONE), folder / "worker.log"),
        Clerk("relay", RELAY, folder / "relay.log"),
    ]
    with _interruptible():
        try:
            for clerk in clerks:
                clerk.start()
            yield clerks
        finally:
            for number in _ENDINGS:
                signal.signal(number, signal.SIG_IGN)  # once is enough
            for clerk in clerks:
                clerk.tell_to_end()
            for clerk in clerks:
                clerk.end()


_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let whatever would end this process raise KeyboardInterrupt, so that blocks are left in order."""
    before = [signal.signal(number, signal.default_int_handler) for number in _ENDINGS]
    try:
        yield
    finally:
        for number, handler in zip(_ENDINGS, before, strict=True):
            signal.signal(number, handler)
