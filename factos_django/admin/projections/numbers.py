"""Numbers as pages show them."""

from __future__ import annotations

from django.utils.formats import number_format

__all__ = ["counted", "grouped"]


def grouped(number: int) -> str:
    """Return ``number`` with its thousands apart, as the language in force has it."""
    return number_format(number, force_grouping=True)


def counted(number: int, *, is_more: bool) -> str:
    """Return the same of what was counted up to a bound; ``1,000+`` where it is more than 999."""
    return f"{grouped(number + 1)}+" if is_more else grouped(number)
