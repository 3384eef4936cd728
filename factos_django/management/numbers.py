"""Whole numbers as people write them on a command line."""

from __future__ import annotations

from argparse import ArgumentTypeError

from factos_django.core.position import LAST_POSITION

__all__ = ["positive", "whole"]


def whole(text: str) -> int:
    """Return a whole number from 0 that a column holds; raise ArgumentTypeError for anything else."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= LAST_POSITION):
        raise ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def positive(text: str) -> int:
    """Return the same from 1."""
    if not whole(text):
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
