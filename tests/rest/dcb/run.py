"""Sixteen clients at once, and what their history says of the guarantees."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace

from tests.history.checker import check
from tests.history.clients import Shared
from tests.history.faults import Fault
from tests.history.operations import Append, History
from tests.history.tables import Log
from tests.rest.dcb.clients import Contender, Follower, Loner
from tests.rest.dcb.connection import Connection
from tests.rest.dcb.log import log_over_http

__all__ = ["Report", "run"]

_CLIENTS = 16
#: Of them; the others are alone with what they append.
_CONTENDERS = 12
_OPERATIONS = 8


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run.

    Attributes:
        seed: What the clients drew came of it.
        faults: What is wrong.
        held: Conditions that held.
        rejected: Conditions that failed.
        repeated: Appends that were answered by what another had recorded.
        keyed: Those of them that were known by a key alone.
        pages: Readings of the follower that saw something.
        deaths: None: clients are threads, and one that fails fails the run.
    """

    seed: int
    faults: list[Fault]
    held: int
    rejected: int
    repeated: int
    keyed: int
    pages: int
    deaths: tuple[str, ...] = ()

    def lacking(self) -> list[str]:
        """Return what the run proved too little of."""
        wanted = {"held": 20, "rejected": 5, "repeated": 2, "keyed": 1, "pages": 5}
        proved = {name: getattr(self, name) for name in wanted}
        return [f"{name} {proved[name]}" for name, least in wanted.items() if proved[name] < least]


def run(address: str, user: str, password: str) -> Report:
    """Let the clients of ``address``, whose log is empty, do their work; check what they noted."""
    seed = int(os.environ.get("FACTOS_HISTORY_SEED") or random.SystemRandom().randrange(2**32))
    history, shared = History(), Shared(multiprocessing.Value("i", 0), multiprocessing.Value("i", 0))
    with ExitStack() as stack:
        opened = [Connection(address, user, password) for _ in range(_CLIENTS + 1)]
        about = [(n, seed, stack.enter_context(closing(each)), history) for n, each in enumerate(opened)]
        contenders = [Contender(*each, shared=shared) for each in about[:_CONTENDERS]]
        loners = [Loner(*each) for each in about[_CONTENDERS:-1]]
        _at_once([*contenders, *loners], Follower(*about[-1]))
        log = log_over_http(opened[-1])
    _name_recorders(history, log)
    alone = {client.number for client in loners}
    faults = [*check(history, log), *_refused_alone(history, alone), *_busy(history)]
    return _report(seed, faults, history)


def _at_once(writers: list[Contender | Loner], follower: Follower) -> None:
    with ThreadPoolExecutor(len(writers) + 1) as pool:
        work = [pool.submit(writer.work, _OPERATIONS) for writer in writers]
        following = pool.submit(follower.follow, lambda: all(each.done() for each in work))
        for done in (*work, following):
            done.result()


def _name_recorders(history: History, log: Log) -> None:
    """Say of each answer which append had recorded what it told of: the facts know it."""

    def recorder(append: Append) -> str | None:
        fact = log.by_position.get(append.positions[0]) if append.positions else None
        return None if fact is None else fact.append

    history.appends = [replace(each, recorder=recorder(each)) for each in history.appends]


def _refused_alone(history: History, alone: set[int]) -> Iterator[Fault]:
    """An append about what nobody else appends about never fails."""
    processes = {each.name: each.process for each in history.transactions}
    for append in history.appends:
        if processes[append.transaction] in alone and append.outcome != "accepted":
            yield Fault(
                "G5", f"{append.name} was {append.outcome}, and nobody contends with it {append.error}"
            )


def _busy(history: History) -> Iterator[Fault]:
    """Nobody holds a context for seconds here, so nothing is to be busy."""
    for append in history.appends:
        if append.outcome == "busy":
            yield Fault("G10", f"{append.name}: {append.error}")


def _report(seed: int, faults: list[Fault], history: History) -> Report:
    judged = [each.outcome for each in history.appends if each.form == "conditional" and not each.repeats]
    pages = sum(each.source == "follow" and bool(each.seen) for each in history.readings)
    repeated = [each for each in history.appends if each.repeats]
    keyed = sum(each.key is not None and not each.ids for each in repeated)
    accepted, rejected = judged.count("accepted"), judged.count("rejected")
    return Report(seed, faults, accepted, rejected, len(repeated), keyed, pages)
