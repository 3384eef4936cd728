"""How a command that goes on for ever is told to end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from factos_django.workers.daemon import Daemon

__all__ = ["interrupt", "on_signals", "run_until_told_to_end"]


def run_until_told_to_end(daemon: Daemon, begin: Callable[[], object]) -> None:
    """Run until SIGTERM or SIGINT; a second one breaks off what is at work.

    What is broken off is rolled back, and its lease is given back. ``begin`` is called when signals are
    heard: whoever reads what it says may send one.
    """
    with suppress(KeyboardInterrupt), on_signals(lambda: _end(daemon)):
        begin()
        daemon.run()


def _end(daemon: Daemon) -> None:
    if daemon.waiting.ended:
        interrupt()
    daemon.end()


def interrupt() -> None:
    """Break off, as Ctrl-C does."""
    raise KeyboardInterrupt


@contextmanager
def on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT call ``act``, inside the block."""
    before = {number: signal.signal(number, lambda *_: act()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
