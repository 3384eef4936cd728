"""Processes that read the same, or different things, and append at once, in step."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from factos_django import AppendConditionFailed
from factos_django.dispatch import dispatch
from factos_django.store import append, read_context
from tests.faults.actors import PATIENCE, actors
from tests.faults.facts import Full, about, new, seating

__all__ = ["append_what_was_read", "dispatch_at_once", "race"]


def append_what_was_read(room: str, barrier: Barrier, using: str) -> str:
    """Append to the context that was read; tell whether it was accepted."""
    context = read_context(about(room), seating, using=using)
    barrier.wait(PATIENCE)  # now everybody has read, and nobody has appended
    try:
        append(new(room), condition=context.append_condition, using=using)
    except AppendConditionFailed:
        return "refused"
    return "accepted"


def dispatch_at_once(room: str, barrier: Barrier, using: str) -> str:
    """Dispatch for a seat in the room; tell whether there was one."""
    barrier.wait(PATIENCE)
    try:
        dispatch(room, decider=seating, query=about, using=using)
    except Full:
        return "refused"
    return "accepted"


def race(
    step: Callable[[str, Barrier, str], str], rooms_of: Sequence[Sequence[str]], using: str
) -> list[list[str]]:
    """Let a process for each list of rooms run ``step`` for its rooms, all in step; return the answers."""
    barrier = multiprocessing.get_context("fork").Barrier(len(rooms_of))

    def compete(rooms: Sequence[str]) -> Callable[[Connection], None]:
        return lambda pipe: pipe.send([step(room, barrier, using) for room in rooms])

    with actors(*(compete(rooms) for rooms in rooms_of)) as racers:
        return [racer.hear() for racer in racers]
