"""Runs through outages: many write, and go on with whatever it takes while their database cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.servers import Server
from tests.history.evidence import ANY_PATHS, Wanted
from tests.history.operations import now
from tests.history.run import Plan, Report, run
from tests.stores import Store

__all__ = ["OUTLASTED", "die", "outlast"]

_WRITERS = 6

#: What a run through one outage has to prove.
OUTLASTED = Wanted(
    decisions=10, contended=(0.02, 0.98), meetings=2, rollbacks=1, repetitions=0, readings=1, stalled=0,
    acknowledged=0, outlived=5, cut=1, resumed=_WRITERS // 2, **ANY_PATHS,
)  # fmt: skip


def outlast(store: Store, directory: Path, outage: Callable[[], int], **about: Any) -> Report:
    """Run on the store; ``outage`` strikes, as ``run`` says, and ``about`` is what differs from the plan."""
    scenes = {"operations": 0, "victims": 0, "freezes": 0, "alone": 2, "outages": 1}
    return run(Plan(store.using, (store.guard,), writers=_WRITERS, **scenes | about), directory, outage)


def die(server: Server, using: str) -> int:
    """Kill the server, and start it again; return, when it answers, a moment when it was dead."""
    server.kill()
    dead = now()
    server.start()
    server.await_answer(using)
    return dead
