"""What tests.rest.odd_project says of its own views: the API that uses it is found out."""

from __future__ import annotations

from typing import Any

__all__ = ["exception_handler", "refuse"]


def refuse(*_: Any) -> Any:
    raise AssertionError("what the project says is for the project's views")


exception_handler = refuse
