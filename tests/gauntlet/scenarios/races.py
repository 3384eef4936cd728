"""Races: all have read the same, and append at once; one may win."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

from django.test import override_settings

from factos_django.store import append
from tests.faults.facts import new
from tests.faults.races import append_what_was_read, dispatch_at_once, race
from tests.gauntlet.outcome import Outcome
from tests.gauntlet.scenario import Case, Scenario
from tests.history.faults import Fault
from tests.history.long_form import database
from tests.stores import STORES, Store

__all__ = ["RACES"]

#: Races of each form, by the number of their racers.
_LONG = {2: 50, 4: 25, 8: 15, 16: 10}
_SHORT = {2: 10, 8: 5, 16: 2}


def _cases(seed: int, short: bool) -> Iterator[Case]:
    for store in STORES:
        yield Case(store.id, partial(_run, store, seed, _SHORT if short else _LONG))


def _run(store: Store, seed: int, races: dict[int, int]) -> Outcome:
    begun = time.monotonic()
    found: list[Fault] = []
    counts: Counter[str] = Counter()
    with database(store.using), override_settings(FACTOS_GUARD={store.using: store.guard}):
        for racers, rounds in races.items():
            for step in (append_what_was_read, dispatch_at_once):
                rooms = [f"{step.__name__}-{racers}-{number}" for number in range(rounds)]
                if step is append_what_was_read:
                    _fill_some(store.using, rooms, random.Random(f"{seed} {racers}"))
                answers = race(step, [rooms] * racers, store.using)
                found += _faults(rooms, [*zip(*answers, strict=True)])
                counts.update({"races": rounds, "racers": rounds * racers})
    return Outcome.judged(RACES.name, store.id, seed, time.monotonic() - begun, found, counts=counts)


def _fill_some(using: str, rooms: list[str], dice: random.Random) -> None:
    """Record something in the contexts of some races: a context may be new, or not."""
    for room in rooms:
        if dice.random() < 0.5:
            append(new(room), using=using)


def _faults(rooms: list[str], answers: list[tuple[str, ...]]) -> Iterator[Fault]:
    for room, answer in zip(rooms, answers, strict=True):
        if (winners := answer.count("accepted")) != 1:
            yield Fault("G2", f"{winners} of {len(answer)} were accepted in {room}")


RACES = Scenario(
    "races",
    "2 to 16 processes read the same context, meet at a barrier, and append under its condition, or "
    "dispatch: one is to be accepted.",
    "A1, A4, A6, A27",
    _cases,
)
