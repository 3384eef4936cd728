"""Where a process that a test starts is to die, as ``kill -9`` does: FACTOS_TEST_FAILPOINT is ``POINT N``.

It dies when it comes by for the Nth time since the file FACTOS_TEST_ARMED is there. What is patched, and
which signals of Celery are heard, is the matter of the tests: the product knows nothing of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from celery import signals

from factos_django.effects import delivering
from factos_django.effects.outbox import asking, attempting
from factos_django.tasks.background import Background
from tests.faults.actors import die

__all__ = ["OF_RELAYS", "OF_WORKERS", "OF_WRITERS", "arm"]

_OURS = "factos.effect."

#: Hears the signals of Celery, which holds receivers weakly.
_KEPT: list[Callable[..., None]] = []


def arm() -> None:
    """Arm the failpoint of this process, if it has one."""
    if asked := os.environ.get("FACTOS_TEST_FAILPOINT"):
        point, _, times = asked.rpartition(" ")
        _ARMING[point](_Countdown(int(times)))


class _Countdown:
    def __init__(self, times: int) -> None:
        self.left = times

    def pass_by(self, *_args: object, **_kwargs: object) -> None:
        if os.path.exists(os.environ["FACTOS_TEST_ARMED"]):  # it is passed often
            self.left -= 1
            if self.left <= 0:
                die()


def _patched(owner: Any, name: str, *, before: bool) -> Callable[[_Countdown], None]:
    def arm(countdown: _Countdown) -> None:
        function = getattr(owner, name)

        def replacement(*args: Any, **kwargs: Any) -> Any:
            if before:
                countdown.pass_by()
            returned = function(*args, **kwargs)
            if not before:
                countdown.pass_by()
            return returned

        setattr(owner, name, replacement)

    return arm


def _heard(signal: Any) -> Callable[[_Countdown], None]:
    def arm(countdown: _Countdown) -> None:
        def hear(sender: Any = None, **_: Any) -> None:
            if str(getattr(sender, "name", sender)).startswith(_OURS):
                countdown.pass_by()

        _KEPT.append(hear)
        signal.connect(hear)

    return arm


_WRITERS = {
    "rows written, not committed": _patched(asking, "announce_effects", before=True),
    "committed, nobody told": _patched(Background, "submit", before=True),
}
_PUBLISHERS = {
    "before a message": _heard(signals.before_task_publish),
    "after a message": _heard(signals.after_task_publish),
}
_WORKERS = {
    "message taken": _heard(signals.task_prerun),
    "leased": _patched(delivering, "_attempted", before=True),
    "run, not marked": _patched(attempting, "end_done", before=True),
    "marked, not committed": _patched(attempting, "end_done", before=False),
    "marked": _heard(signals.task_postrun),
}
_ARMING = {**_WRITERS, **_PUBLISHERS, **_WORKERS}

#: Whose process comes by where.
OF_WRITERS = tuple({**_WRITERS, **_PUBLISHERS})
OF_RELAYS = tuple(_PUBLISHERS)
OF_WORKERS = tuple(_WORKERS)
