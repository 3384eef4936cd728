"""What a decider raises when the business says no."""

from __future__ import annotations

from typing import Any, ClassVar

from factos_django.core.explained import Explained

__all__ = ["DomainError"]


class DomainError(Explained):
    """The business refused this command.

    Applications subclass it, one class a reason, and raise it from ``decide``. Annotated fields are
    its keyword arguments. It is no failure of the store: nothing is retried, nothing is rolled back
    but the command itself.

    ``code`` is what machines read (default: the class name). ``message`` is what people read
    (default: the docstring, or the class name where Python strips docstrings); it may be a lazy
    translation.
    """

    code: ClassVar[str] = "DomainError"
    message: ClassVar[Any] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.code = cls.__dict__.get("code", cls.__name__)
        super().__init_subclass__(**kwargs)

    def __str__(self) -> str:
        return super().__str__() if self.message is None else str(self.message)
