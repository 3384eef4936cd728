"""``python -m tests.benchmarks.peer JOB``: one client process of the peer, ``eventsourcing``.

As its users use it: by its event store with its MessagePack mapper, which encodes what is appended and
decodes what is read, as ours does. The whole log it reads in pages by its recorder, and gives each event to
the mapper, since its event store makes a list of all that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from eventsourcing.dcb.application import DCBApplication
from eventsourcing.dcb.domain import Selector, Tagged
from eventsourcing.dcb.msgpack import Decision
from eventsourcing.persistence import IntegrityError
from eventsourcing.utils import register_topic

from tests.benchmarks.facts import TYPE, Fact
from tests.benchmarks.tasks import TASKS, serve

__all__ = ["Noted", "Peer", "noted"]

_PAGE = 1000
#: As many bytes more than MessagePack has JSON of what a fact says: quotes, commas, colons.
_FILLING = "x" * 11


class Noted(Decision):  # type: ignore[misc, unused-ignore]  # without the package it is Any
    """What ours stores under the same name."""

    context: str
    tenant: str
    note: str
    TOPIC: ClassVar[str] = TYPE


register_topic(TYPE, Noted)  # for a process that reads before it writes


class Peer:
    """The Store protocol over the application that the environment describes; see bench.py."""

    application: DCBApplication

    def create(self) -> None:
        DCBApplication(env={"CREATE_TABLE": "y"}).close()

    def connect(self) -> None:
        self.application = DCBApplication(env={"CREATE_TABLE": "n"})

    def append(self, facts: Sequence[Fact], *, unless: Sequence[str] = (), after: int | None = None) -> None:
        boundary = Selector(tags=unless) if unless else None
        self.application.events.append([noted(fact) for fact in facts], boundary, after)

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
        found = self.application.events.read(Selector(tags=[tag]))
        sum(1 for _ in found)
        return found.head or 0

    def replay(self) -> Iterator[object]:
        after = 0
        while page := self._page(after):
            yield from page
            after = page[-1][0]

    def follow(self, after: int) -> int:
        while page := self._page(after):
            after = page[-1][0]
        return after

    def _page(self, after: int) -> list[tuple[int, Tagged[Any]]]:
        decoded = self.application.mapper.to_domain_event
        found = self.application.recorder.read(after=after, limit=_PAGE)
        return [(each.position, decoded(each.event)) for each in found]


def noted(fact: Fact) -> Tagged[Noted]:
    """The fact as an event of the application; its MessagePack has as many bytes as the JSON of ours."""
    return Tagged(list(fact.tags), Noted(fact.context, fact.tenant, fact.note + _FILLING))


if __name__ == "__main__":
    serve(Peer(), TASKS)
