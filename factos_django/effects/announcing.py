"""After commit: effects that can be delivered are handed to whoever publishes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from django.db import connections, transaction

__all__ = ["PUBLISHERS", "Outgoing", "Publisher", "announce_effects"]


class Outgoing(NamedTuple):
    """What a message says of an effect: its row, and by its name whose it is. Never what is in it."""

    id: int
    name: str


#: Asks for messages to be sent, by the alias of the database. It returns at once and does not fail; an effect
#: that it does not reach is found by a relay, later.
Publisher: TypeAlias = Callable[[Sequence[Outgoing], str], None]

#: Who is told, after each commit.
PUBLISHERS: list[Publisher] = []


def announce_effects(outgoing: Sequence[Outgoing], using: str) -> None:
    """Tell of ``outgoing`` once the open transaction has committed, or at once where none is open."""
    connection = connections[using]
    if not outgoing or not (connection.get_autocommit() or connection.in_atomic_block):
        return  # whoever commits by hand can be told of nothing
    for publish in PUBLISHERS:
        transaction.on_commit(partial(publish, tuple(outgoing), using), using=using, robust=True)
