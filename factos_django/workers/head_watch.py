"""Watching the head for whoever waits for facts in this process: one thread looks, however many wait.

It looks while somebody waits, at once after a commit of this process, else every FACTOS_POLL_SECONDS; its
connection lives as long as the project's do (CONN_MAX_AGE). When nobody has waited for a while it ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import Error, connections

from factos_django.conf import conf
from factos_django.store.heads import head

__all__ = ["HeadWatch", "head_watch", "wake_watch"]

logger = logging.getLogger(__name__)

#: Between two looks (seconds): what is committed meanwhile is seen together.
_PAUSE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    above: int
    wake: Callable[[], object]


class HeadWatch:
    """Watches the head of the log in the database ``using``."""

    def __init__(self, using: str) -> None:
        self.using = using
        self._lock = threading.Lock()
        self._waiters: set[_Waiter] = set()
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()
        self._seen = 0
        self._left = 0.0

    def wake(self) -> None:
        """Let it look now. It returns at once."""
        self._woken.set()

    def wait(self, above: int, seconds: float) -> bool:
        """Wait until the head is above a position, but no longer than ``seconds``; return whether it may be.

        It may be, too, where the head could not be asked for: whoever waits finds out by himself.
        """
        moved = threading.Event()
        with self._waiting(_Waiter(above, moved.set)):
            return moved.wait(seconds)

    async def wait_async(self, above: int, seconds: float) -> bool:
        """Wait as ``wait`` does, without a thread."""
        loop, moved = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(moved.set)

        with self._waiting(_Waiter(above, wake)):
            try:
                return await asyncio.wait_for(moved.wait(), seconds)
            except TimeoutError:
                return False

    @contextmanager
    def _waiting(self, waiter: _Waiter) -> Iterator[None]:
        with self._lock:
            self._waiters.add(waiter)
            if self._thread is None or not self._thread.is_alive():
                self._start()
            elif self._seen > waiter.above:  # the head moved on between the waiter's look and now
                self._woken.set()
        try:
            yield
        finally:
            with self._lock:
                self._waiters.discard(waiter)
                self._left = time.monotonic()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=f"factos head of {self.using}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the interpreter is ending, or there are too many threads
            logger.warning("Nobody watches the head of %s; who waits looks by himself: %s", self.using, error)
        else:
            self._thread = thread

    def _run(self) -> None:
        try:
            while self._goes_on():
                self._woken.clear()
                if self._waiters:
                    self._look()
                    time.sleep(_PAUSE)
                self._woken.wait(conf.POLL_SECONDS)
        finally:
            connections[self.using].close()

    def _goes_on(self) -> bool:
        with self._lock:
            if self._waiters or time.monotonic() - self._left < conf.POLL_SECONDS:
                return True
            self._thread = None
            return False

    def _look(self) -> None:
        """Wake whoever waits for less than the head; everybody, where it cannot be told."""
        try:
            self._seen = head(self.using)
            above = self._seen
        except Exception as error:  # whatever it is, they wait no longer for what nobody sees
            logger.warning("The head of %s cannot be watched: %s", self.using, error)
            above = -1
        self._give_back()
        with self._lock:
            moved = [each for each in self._waiters if above < 0 or each.above < above]
        for each in moved:
            each.wake()

    def _give_back(self) -> None:
        """Close the connection where the project keeps none for so long, and one that failed."""
        with suppress(Error):
            connections[self.using].close_if_unusable_or_obsolete()


_WATCHES: dict[str, HeadWatch] = {}


def head_watch(using: str) -> HeadWatch:
    """Return the one of this process for the database ``using``."""
    return _WATCHES.get(using) or _WATCHES.setdefault(using, HeadWatch(using))


def wake_watch(using: str) -> None:
    """Let whoever watches the head look now; one of ``store.announcing.WAKERS``."""
    if watch := _WATCHES.get(using):
        watch.wake()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_WATCHES.clear)  # the threads, and those who wait, are the parent's
