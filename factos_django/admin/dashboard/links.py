"""Where the dashboard's words lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import NoReverseMatch, reverse

__all__ = ["Links"]


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses in one admin site; an address of what that site does not show is empty.

    Attributes:
        site: Its name.
        to_facts: Whether there are any to facts: the user may see them.
    """

    site: str
    to_facts: bool

    def projection(self, name: str) -> str:
        """Return that of a projection's page."""
        return self._address("projectionstate_change", [quote(name)])

    def effects(self, state: str) -> str:
        """Return that of the effects in a state."""
        address = self._address("effect_changelist")
        return f"{address}?state={state}" if address else ""

    def fact(self, position: int) -> str:
        """Return that of a fact's page."""
        return self._address("event_change", [position]) if self.to_facts else ""

    def _address(self, name: str, arguments: Sequence[Any] = ()) -> str:
        try:
            return reverse(f"admin:factos_{name}", args=arguments, current_app=self.site)
        except NoReverseMatch:
            return ""
