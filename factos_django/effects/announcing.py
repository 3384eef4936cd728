"""After commit: effects that can be delivered are handed to whoever publishes them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from django.db import connections, transaction

__all__ = ["PUBLISHERS", "Outgoing", "Publisher", "announce_effects"]

logger = logging.getLogger(__name__)


class Outgoing(NamedTuple):
    """What a message says of an effect: its row, and by its name whose it is. Never what is in it."""

    id: int
    name: str


#: Asks for messages to be sent, by the alias of the database. It returns at once; an effect that it does not
#: reach is found by a relay, later.
Publisher: TypeAlias = Callable[[Sequence[Outgoing], str], None]

#: Who is told, after each commit.
PUBLISHERS: list[Publisher] = []


def announce_effects(outgoing: Sequence[Outgoing], using: str) -> None:
    """Tell of ``outgoing`` once the open transaction has committed, or at once where none is open."""
    connection = connections[using]
    if not outgoing or not (connection.get_autocommit() or connection.in_atomic_block):
        return  # whoever commits by hand can be told of nothing
    transaction.on_commit(_Announcement(tuple(outgoing), using), using=using, robust=True)


@dataclass(frozen=True, slots=True)
class _Announcement:
    """Tells everybody who publishes. It raises nothing, for ``robust`` names a callback before it logs.

    (Django does so by an attribute that only functions have, and fails at others.)
    """

    outgoing: tuple[Outgoing, ...]
    using: str

    def __call__(self) -> None:
        for publish in PUBLISHERS:
            try:
                publish(self.outgoing, self.using)
            except Exception:
                logger.exception("%s effects were not published; a relay will", len(self.outgoing))
