"""Where the log stands that projections follow, and what holds its head back."""

from __future__ import annotations

from dataclasses import dataclass

from factos_django.admin.projections.durations import duration_in_words
from factos_django.conf import conf
from factos_django.status import Holder
from factos_django.status.holder import holder
from factos_django.store.heads import head, highest_position

__all__ = ["Standing", "standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The head of a log.

    Attributes:
        head: The stable head, which followers go up to.
        position: The highest position; above the head while somebody holds that back.
        holder: Who holds the head back, or None.
        held_for: For how long, in words; empty where nobody does, or may not be seen.
        is_held_too_long: Whether that is longer than FACTOS_MAX_HELD_SECONDS.
        most: That setting, in words.
        query: The statement of the holder. It may hold data of facts: empty for who may not see them.
    """

    head: int
    position: int
    holder: Holder | None
    held_for: str
    is_held_too_long: bool
    most: str
    query: str


def standing(using: str, *, with_data: bool) -> Standing:
    """Return where the log of ``using`` stands; its events are not counted."""
    stable = head(using)  # first, so that it is no higher than what is asked for next
    position, holding = highest_position(using), holder(using)
    seconds = None if holding is None else holding.seconds
    return Standing(
        stable,
        position,
        holding,
        held_for="" if seconds is None else duration_in_words(seconds),
        is_held_too_long=(seconds or 0) > conf.MAX_HELD_SECONDS,
        most=duration_in_words(conf.MAX_HELD_SECONDS),
        query=(holding.query or "") if with_data and holding is not None else "",
    )
