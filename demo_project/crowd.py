"""A crowd: many who ask at the same moment, threads of this process with a database connection each.

What they were told is counted here. It proves nothing: a page counts the facts in the log beside it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import ClassVar, TypeVar

from django import forms
from django.db import connections

from factos_django import DomainError

__all__ = ["AT_ONCE", "Crowd", "CrowdForm", "Meet", "crowd", "let_in"]

#: So many ask at the same moment (threads); of more, each thread asks for several.
AT_ONCE = 16
#: How long a thread waits for the others to be there (seconds).
_BARRIER_SECONDS = 10

Ask = Callable[[], object]
Meet = Callable[[], None]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Crowd:
    """What came of it.

    Attributes:
        done: How many got what they asked for.
        refused: How many were refused, by the code of the DomainError.
        failed: How many got no answer, by the class of the error.
        seconds: From the moment when all were let in to the last answer.
    """

    done: int
    refused: Counter[str]
    failed: Counter[str]
    seconds: float

    def in_words(self, done: str) -> str:
        """Return all of it; ``done`` is said of those who got what they asked for. No answer is left out."""
        refused = [f"{count} refused ({code})" for code, count in sorted(self.refused.items())]
        failed = [f"{count} got no answer ({kind})" for kind, count in sorted(self.failed.items())]
        return f"{', '.join([f'{self.done} {done}', *refused, *failed])}, in {self.seconds:.1f} seconds."


class CrowdForm(forms.Form):
    """How many come at once."""

    most: ClassVar[int] = 100
    #: What the page says of them.
    connections: ClassVar[int] = AT_ONCE
    crowd = forms.IntegerField(label="At once", min_value=2, max_value=most, initial=20)


def crowd(asks: Sequence[Ask]) -> Crowd:
    """Let them all ask, and return when each has an answer."""
    shares = [asks[first::AT_ONCE] for first in range(min(AT_ONCE, len(asks)))]
    asked, seconds = let_in([partial(_ask, share) for share in shares])
    return _counted([answer for each in asked for answer in each.result()], seconds)


def let_in(groups: Sequence[Callable[[Meet], R]]) -> tuple[list[Future[R]], float]:
    """Run each of ``groups`` in a thread of its own; return how each ended, and how long all took (seconds).

    A group is given what it calls when it is ready: it returns when all of them are. The connections of a
    thread are closed at its end.
    """
    barrier = Barrier(len(groups) + 1)
    meet = partial(_meet, barrier)
    with ThreadPoolExecutor(len(groups), thread_name_prefix="crowd") as threads:
        # In the context of the request, so that its stamps are on each fact: one correlation for all of them.
        ends = [threads.submit(copy_context().run, _run, group, meet) for group in groups]
        meet()
        started = time.perf_counter()
        wait(ends)
        return ends, time.perf_counter() - started


def _run(group: Callable[[Meet], R], meet: Meet) -> R:
    try:
        return group(meet)
    finally:
        connections.close_all()


def _counted(answers: list[Exception | None], seconds: float) -> Crowd:
    return Crowd(
        done=sum(answer is None for answer in answers),
        refused=Counter(answer.code for answer in answers if isinstance(answer, DomainError)),
        failed=Counter(
            type(answer).__name__
            for answer in answers
            if answer is not None and not isinstance(answer, DomainError)
        ),
        seconds=seconds,
    )


def _ask(share: Sequence[Ask], meet: Meet) -> list[Exception | None]:
    meet()
    return [_answer(ask) for ask in share]


def _answer(ask: Ask) -> Exception | None:
    try:
        ask()
    except Exception as error:  # whatever it is, it is counted under its own name
        return error
    return None


def _meet(barrier: Barrier) -> None:
    with suppress(BrokenBarrierError):
        barrier.wait(_BARRIER_SECONDS)
