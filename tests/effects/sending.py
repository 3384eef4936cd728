"""Processes of a project that append, and that relay."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

from tests.children import Child, child, manage
from tests.effects.brokers import Broker

__all__ = ["appended_elsewhere", "relay_daemon"]

_APPEND = """
from factos_django.store import append
from factos_django.tasks.background import BACKGROUND
from tests.parcels.domain import ParcelSent
for number in range({number}):
    append([ParcelSent(f"{{number}}", "renata", **{how})], using={using!r})
print("sent", BACKGROUND.drain({patience}))
"""


def appended_elsewhere(
    broker: Broker, using: str, number: int = 3, *, patience: float = 60, **how: str
) -> tuple[str, str]:
    """Append so many parcels, each in a commit, in a process that uses ``broker``.

    Returns:
        Whether all was published, or given up, within ``patience`` (seconds), as ``sent True``; and its log.
    """
    code = _APPEND.format(using=using, number=number, patience=patience, how=how)
    done = manage("shell", "--verbosity", "0", "-c", code, **broker.settings)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def relay_daemon(
    broker: Broker, using: str, *arguments: str, command: str = "relay_effects", **settings: Any
) -> AbstractContextManager[Child]:
    """Run a relay, which is not left behind; it prints what it publishes."""
    started = [sys.executable, "manage.py", command, "--database", using, "--verbosity", "2", *arguments]
    return child(*started, **{**broker.settings, **settings})
