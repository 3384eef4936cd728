"""How many clients one process lets wait at a time: each takes a place, and gives it back however it ends."""

from __future__ import annotations

import os
import threading

from factos_django.conf import conf
from factos_django.rest_framework.refusals import Refused

__all__ = ["PLACES", "Place", "Places", "TooManyClients"]


class TooManyClients(Refused):
    """As many clients wait for facts as FACTOS_FEED_MAX_CLIENTS lets one process serve."""

    status_code = 503
    headers = {"Retry-After": "5"}


class Place:
    """One client's place. It is given back by ``give_back``, once, or when nobody refers to it any more."""

    def __init__(self, taken: set[object]) -> None:
        self._taken, self._token = taken, object()
        taken.add(self._token)

    def give_back(self) -> None:
        """Let another client have it."""
        # Without a lock, which the thread may hold in whose midst this object is collected.
        self._taken.discard(self._token)

    def __del__(self) -> None:
        self.give_back()


class Places:
    """The places of one process."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget who waits: in a forked process they are its parent's, and the lock too."""
        self._lock = threading.Lock()
        self._taken: set[object] = set()

    def __len__(self) -> int:
        return len(self._taken)

    def take(self) -> Place:
        """Return a place; raise TooManyClients."""
        with self._lock:
            if len(self._taken) >= conf.FEED_MAX_CLIENTS:
                raise TooManyClients(
                    f"{len(self._taken)} clients wait for facts here already. Ask again, or list events/."
                )
            return Place(self._taken)


#: Those of this process.
PLACES = Places()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=PLACES.begin_anew)
