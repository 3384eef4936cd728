"""Work that a request does not wait for: one thread in each process, made when it is first needed.

What is submitted under a key that waits already is one piece of work with it. At the end of the process the
thread gets a moment for what is left; it is lost when the process dies, so nothing may depend on it.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Hashable

__all__ = ["BACKGROUND", "Background"]

logger = logging.getLogger(__name__)

#: Between two pieces of work (seconds): what is submitted meanwhile comes together.
_PAUSE = 0.02
#: The same after one that failed: a broker that is down is not asked at every commit, which would take the
#: interpreter from whoever commits, and fill the log.
_PAUSE_AFTER_FAILURE = 1.0
#: What is left is worked at for so long at the end of the process (seconds).
_DRAINED_FOR = 1.0
#: A fork waits for so long until no work is in the middle of something (seconds).
_FORK_WAITS = 2.0


class Background:
    """A thread and what waits for it."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget the thread and what waits: in a forked process both are its parent's, and locks too."""
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None
        self._works = False
        self._forking = threading.local()

    def pause(self) -> None:
        """Let nothing be in the middle of work, before a fork; it waits a moment and no longer.

        The child has the memory of that moment and no thread to go on with: a module that was being imported
        would be half a module there for ever, and Celery an app without its tasks.
        """
        self._forking.holds = self._changed.acquire(timeout=_FORK_WAITS)
        if self._forking.holds:
            self._changed.wait_for(lambda: not self._works, _FORK_WAITS)

    def go_on(self) -> None:
        """Work again, in the parent, after a fork."""
        if self._forking.holds:
            self._changed.release()

    def submit(self, key: Hashable, work: Callable[[], None]) -> None:
        """Let ``work`` be done soon, once; its errors are logged. It returns at once and raises nothing."""
        with self._changed:
            self._waiting[key] = work
            self._changed.notify_all()
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def drain(self, seconds: float) -> bool:
        """Wait until nothing is left, but no longer than ``seconds``; return whether nothing is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._works, seconds)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="factos background", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the interpreter is ending, or there are too many threads
            logger.warning("What was to be done in the background is left: %s", error)
            self._waiting.clear()
        else:
            self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                key, work = next(iter(self._waiting.items()))
                del self._waiting[key]
                self._works = True
            time.sleep(_PAUSE if self._do(key, work) else _PAUSE_AFTER_FAILURE)

    def _do(self, key: Hashable, work: Callable[[], None]) -> bool:
        """Do it; return whether it did not fail."""
        try:
            work()
        except Exception as error:
            logger.warning("%s failed in the background: %s: %s", key, type(error).__name__, error)
            return False
        else:
            return True
        finally:
            with self._changed:
                self._works = False
                self._changed.notify_all()


#: That of this process.
BACKGROUND = Background()


atexit.register(lambda: BACKGROUND.drain(_DRAINED_FOR))
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=BACKGROUND.pause, after_in_parent=BACKGROUND.go_on, after_in_child=BACKGROUND.begin_anew
    )
