"""A command that outlives nobody: ``python -m demo_project.leash COMMAND...``.

Standard input is the leash, a pipe whose other end is held by whoever started this, and by nobody else. When
that end is closed, on purpose or because its holder died, however it died, the command is told to end. What
is left of it and of its children after a moment is killed.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["PATIENCE", "hold"]

#: How long the command has to finish what it is at (seconds).
PATIENCE = 10

_LEASH = 0
_ENDINGS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def hold(command: Sequence[str]) -> int:
    """Run ``command``, and return its exit status; if the leash is let go, end it, and this process with it.

    This process leads a session, or a group, of its own.
    """
    signals = _signals()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    if not _let_go(process, signals):
        return process.returncode
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    os.killpg(0, signal.SIGKILL)  # its children, and ourselves
    raise AssertionError("nobody survives that")


def _signals() -> int:
    """Return a file that each signal is written to: one wait is enough for them and for the leash."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    for number in (signal.SIGCHLD, *_ENDINGS):
        signal.signal(number, _heard)
    return read


def _heard(*_: object) -> None:
    """Let the signal be written, and do nothing else."""


def _let_go(process: subprocess.Popen[bytes], signals: int) -> bool:
    """Wait for the end of the process (False), or of the leash (True)."""
    while process.poll() is None:
        ready, _, _ = select.select([_LEASH, signals], [], [])
        if _LEASH in ready or not _ENDINGS.isdisjoint(os.read(signals, 64)):
            return True
    return False


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1:]))
