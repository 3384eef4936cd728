"""Durations as people write them on a command line."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import timedelta

__all__ = ["duration"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
#: So long ago there was a year.
_LONGEST = timedelta(days=365_250)
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def duration(text: str) -> timedelta:
    """Return ``90s``, ``15m``, ``12h`` or ``30d`` as a time; raise ArgumentTypeError for anything else."""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ArgumentTypeError(f"{text!r} is no duration, like 90s, 15m, 12h or 30d")
    try:
        found = timedelta(**{_UNITS[written[2]]: float(written[1])})
    except OverflowError:
        found = timedelta.max
    if found > _LONGEST:
        raise ArgumentTypeError(f"{text!r} is longer than a thousand years")
    return found
