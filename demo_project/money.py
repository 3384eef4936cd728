"""Amounts as people write them. Facts and tables hold whole cents."""

from __future__ import annotations

from typing import Any

from django import forms, template

__all__ = ["AmountField", "euros", "register"]

register = template.Library()


@register.filter
def euros(cents: int) -> str:
    """Return cents as euros: ``€1,234.50``, and ``-€1.00`` for what is owed."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}€{whole:,}.{rest:02}"


class AmountField(forms.DecimalField):
    """An amount in euros, and in cents once it is cleaned. Whether it is too small is the domain's to say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"label": "Euros", "max_digits": 12, "decimal_places": 2, **options})

    def clean(self, value: Any) -> Any:
        """Return whole cents."""
        amount = super().clean(value)
        return None if amount is None else int(amount * 100)
