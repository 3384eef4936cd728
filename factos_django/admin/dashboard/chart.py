"""The facts of each minute as bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from factos_django.admin.dashboard.rough_numbers import roughly
from factos_django.admin.projections.numbers import grouped
from factos_django.status import Minute, Rate

__all__ = ["Bar", "Chart", "chart_of"]

#: Of the drawing, in its own units; the page stretches it. (Text, so that no locale changes it.)
_HEIGHT = 100
_STEP, _WIDTH = 10, 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One minute.

    Attributes:
        begins: When it began.
        facts: How many were recorded in it, in words.
        x, y, width, height: Where its bar stands in the drawing.
    """

    begins: datetime
    facts: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All of them, the oldest first.

    Attributes:
        bars: One a minute; the last minute goes on.
        width, height: Of the drawing.
        total: How many facts there are in all, in words.
        number: The same, for the plural.
        peak: The most in one minute.
        is_about: Whether the numbers are about.
    """

    bars: list[Bar]
    width: str
    height: str
    total: str
    number: int
    peak: str
    is_about: bool


def chart_of(rate: Rate) -> Chart:
    """Return the chart of ``rate``."""
    facts = [minute.facts for minute in rate.minutes]
    peak = max(facts)
    return Chart(
        bars=[_bar(number, minute, peak) for number, minute in enumerate(rate.minutes)],
        width=str(_STEP * len(facts)),
        height=str(_HEIGHT),
        total=roughly(sum(facts), is_about=rate.is_about),
        number=sum(facts),
        peak=grouped(peak),
        is_about=rate.is_about,
    )


def _bar(number: int, minute: Minute, peak: int) -> Bar:
    height = max(1, round(_HEIGHT * minute.facts / peak)) if minute.facts else 0
    return Bar(
        begins=minute.begins,
        facts=grouped(minute.facts),
        x=str(_STEP * number + (_STEP - _WIDTH) // 2),
        y=str(_HEIGHT - height),
        width=str(_WIDTH),
        height=str(height),
    )
