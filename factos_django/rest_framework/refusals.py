"""What the API itself refuses, before anything else sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.exceptions import APIException

__all__ = ["InvalidBody", "InvalidParameter", "NotProcessable", "Refused"]


class Refused(APIException):
    """A refusal with a cause of its own; its URN is that of the class.

    Attributes:
        extensions: Further members of the problem, for machines.
        headers: Of the answer.
    """

    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, detail: str, **extensions: Any) -> None:
        super().__init__(detail)
        self.extensions = extensions


class InvalidParameter(Refused):
    """A parameter of the address is unknown, stands there too often, or is of no use."""

    status_code = 400


class InvalidBody(Refused):
    """The body is not what this address takes: ``errors`` tells where.

    Args:
        errors: Each with its ``path`` in the body and a ``detail``.
    """

    status_code = 400

    def __init__(self, *errors: Mapping[str, str]) -> None:
        super().__init__("The body is not what this address takes.", errors=list(errors))


class NotProcessable(Refused):
    """The body is well-formed, and what it says cannot be done: ``errors`` tells where."""

    status_code = 422
