"""What happens around the statements that insert facts, for tests that break or hold them there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from factos_django.store.backends.portable import UnderGuardRow
from factos_django.store.backends.postgresql import ByFunctions

__all__ = ["inserting_in_a_transaction", "patched_insertions"]

#: Gets the call that inserts, and makes it.
Around = Callable[[Callable[[], Any]], Any]


def inserting_in_a_transaction() -> Any:
    """A patch: no insertion is a transaction by itself, so that something can happen before its end."""
    return mock.patch.object(ByFunctions, "is_one_statement", return_value=False)


def patched_insertions(monkeypatch: pytest.MonkeyPatch, around: Around) -> None:
    """Let ``around`` make each insertion of facts, in a transaction that is still open when it returns."""
    monkeypatch.setattr(ByFunctions, "is_one_statement", lambda *_: False)
    for backend in (ByFunctions, UnderGuardRow):
        for name in ("append", "record"):
            monkeypatch.setattr(backend, name, _replacement(getattr(backend, name), around))


def _replacement(insert: Callable[..., Any], around: Around) -> Callable[..., Any]:
    return lambda *arguments: around(lambda: insert(*arguments))
