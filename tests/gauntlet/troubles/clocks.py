"""Clocks that are wrong, each in its own way, and step: those of processes that record facts."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from unittest.mock import patch

__all__ = ["stepping_clocks"]

#: How far a clock may be off, either way (hours).
_FARTHEST = 24


class _SteppingClock(datetime):
    """The time of day of whoever asks: wrong by what his dice say, each time anew."""

    seed = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # it is no _SteppingClock
        right = datetime.now(tz)
        dice = random.Random(f"{cls.seed} {os.getpid()} {right.timestamp() // 0.2}")
        return right + timedelta(hours=dice.uniform(-_FARTHEST, _FARTHEST))


@contextmanager
def stepping_clocks(seed: int) -> Iterator[None]:
    """Let each process that is forked inside the block have a clock that steps five times a second."""
    clock = type("Clock", (_SteppingClock,), {"seed": seed})
    with patch("factos_django.store.recording.datetime", clock):
        yield
