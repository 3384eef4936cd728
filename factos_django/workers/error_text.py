"""Errors in words that every database takes."""

from __future__ import annotations

import traceback

__all__ = ["error_in_words", "traceback_of"]

#: Characters that are kept: of the message its beginning, of the traceback its end.
_ERROR_KEPT = 2_000
_TRACEBACK_KEPT = 20_000


def error_in_words(error: BaseException) -> str:
    """Return the class and the message of ``error``, if it can tell one."""
    try:
        message = str(error)
    except Exception as another:
        message = f"its message cannot be told ({type(another).__name__})"
    return _storable(f"{type(error).__name__}: {message}")[:_ERROR_KEPT]


def traceback_of(error: BaseException) -> str:
    """Return the traceback of ``error``, with those of its causes."""
    return _storable("".join(traceback.format_exception(error))[-_TRACEBACK_KEPT:])


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", "\\0")
