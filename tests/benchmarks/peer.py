"""``python -m tests.benchmarks.peer JOB``: one client process of the peer, ``eventsourcing``.

Its recorder is used directly, with the bytes of an event as they are: the mapper that its users put
above it, which encodes and decodes, is left out, in the peer's favour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBQueryItem,
    DCBRecorder,
    DCBSequencedEvent,
)
from eventsourcing.dcb.application import DCBApplication
from eventsourcing.persistence import IntegrityError

from tests.benchmarks.facts import TYPE, Fact
from tests.benchmarks.tasks import TASKS, serve

__all__ = ["Peer"]

_PAGE = 1000


class Peer:
    """The Store protocol over the recorder that the environment names; see bench.py."""

    recorder: DCBRecorder

    def create(self) -> None:
        DCBApplication(env={"CREATE_TABLE": "y"}).close()

    def connect(self) -> None:
        self.recorder = DCBApplication(env={"CREATE_TABLE": "n"}).recorder

    def append(self, facts: Sequence[Fact], *, unless: Sequence[str] = (), after: int | None = None) -> None:
        condition = DCBAppendCondition(tagged(*unless), after) if unless else None
        self.recorder.append([noted(fact) for fact in facts], condition)

    def decide(self, fact: Fact) -> int:
        conflicts = 0
        while True:
            position = self.read_context(fact.context_tag)
            try:
                self.append([fact], unless=[fact.context_tag], after=position)
            except IntegrityError:
                conflicts += 1
            else:
                return conflicts

    def read_context(self, tag: str) -> int:
        found = self.recorder.read(tagged(tag))
        sum(1 for _ in found)
        return found.head or 0

    def replay(self) -> Iterator[object]:
        after = 0
        while page := self._page(after):
            yield from page
            after = page[-1].position

    def follow(self, after: int) -> int:
        while page := self._page(after):
            after = page[-1].position
        return after

    def _page(self, after: int) -> list[DCBSequencedEvent]:
        return list(self.recorder.read(after=after, limit=_PAGE))


def noted(fact: Fact) -> DCBEvent:
    """The fact as the recorder takes it."""
    return DCBEvent(type=TYPE, data=fact.data, tags=list(fact.tags))


def tagged(*tags: str) -> DCBQuery:
    """The facts that have all of these tags."""
    return DCBQuery(items=[DCBQueryItem(tags=list(tags))])


if __name__ == "__main__":
    serve(Peer(), TASKS)
