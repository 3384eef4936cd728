"""Event types for the tests of the API."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from factos_django import event_type, upcaster

__all__ = ["Line", "Ordered", "Weighed", "an_order"]


@dataclass(frozen=True, slots=True)
class Line:
    article: str
    amount: int = 1


@event_type("rest.Ordered", version=3, tags=("order:{order}",))
@dataclass(frozen=True, slots=True)
class Ordered:
    """Version 2 had a number, which became the text ``order``; nothing leads from 1 to 2 any more."""

    order: str
    lines: tuple[Line, ...] = ()
    price: Decimal | None = None
    note: Any = None


@upcaster("rest.Ordered", 2)
def _with_text(data: dict[str, Any]) -> dict[str, Any]:
    return {"order": str(data.pop("number")), **data}


def _tags_of(event: Weighed) -> list[str]:
    return [f"class:{100 // event.grams}"]


@event_type("rest.Weighed", tags=_tags_of)
@dataclass(frozen=True, slots=True)
class Weighed:
    """A class and a function of tags that fail at some weights, as those of an application may."""

    grams: int

    def __post_init__(self) -> None:
        if self.grams < 0:
            raise KeyError(self.grams)


def an_order(order: str = "o1", **data: Any) -> dict[str, Any]:
    """Return an order as it is sent."""
    return {"type": "rest.Ordered", "data": {"order": order, **data}}
