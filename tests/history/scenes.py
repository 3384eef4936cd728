"""Scenes of a run in which one process stands still with its transaction open, and others come by."""

from __future__ import annotations

import time
from collections.abc import Callable

from factos_django import Query, QueryItem
from tests.history.clients import Proposal, RollBack, Writer
from tests.history.operations import Asked

__all__ = ["FIRST", "FROZEN", "hold", "hold_after_savepoint", "pass_by"]

FIRST, FROZEN = "first:1", "frozen:1"
#: On the facts of everybody who passes by: nobody decides by it, so nobody waits for it.
BROAD = "broad:1"


def about(writer: Writer, tag: str) -> Proposal:
    """Return an append in one form or another that is about ``tag`` and never declines."""
    form = writer.dice.choice(["blind", "conditional", "dispatched"])
    fact = Asked("history.Red", (BROAD, tag))
    return Proposal(writer.new_name("a"), None, form, Query.of(QueryItem(tags=[tag])), ((fact,),), salt=-1)


def hold(writer: Writer, tag: str, stay: Callable[[], None]) -> None:
    """Append about ``tag``, and stay with the transaction open."""
    with writer.transaction() as name:
        _append_and_stay(writer, name, tag, stay)


def hold_after_savepoint(writer: Writer, tag: str, stay: Callable[[], None]) -> None:
    """Do the same after an append whose savepoint is rolled back: what it had locked is given up."""
    with writer.transaction() as name:
        with writer.transaction(name) as inner:
            writer.append(inner, about(writer, tag))
            raise RollBack
        _append_and_stay(writer, name, tag, stay)


def _append_and_stay(writer: Writer, transaction: str, tag: str, stay: Callable[[], None]) -> None:
    if writer.append(transaction, about(writer, tag)).outcome != "accepted":
        raise RollBack
    stay()


def pass_by(writer: Writer, tag: str, seconds: float) -> None:
    """Append about ``tag`` again and again, each time in a transaction of its own."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        writer.append_alone(about(writer, tag))
        time.sleep(writer.dice.uniform(0.002, 0.02))
