"""What the pages of ticketing ask for."""

from __future__ import annotations

from typing import ClassVar

from django import forms

from demo_project.command_form import NAME_MAX_LENGTH, NameField

__all__ = ["BuyForm", "OpenForm", "StampedeForm"]

MOST_BUYERS = 200


class OpenForm(forms.Form):
    """A new conference."""

    conference = NameField()
    capacity = forms.IntegerField(label="Tickets", min_value=1, max_value=100_000, initial=100)


class BuyForm(forms.Form):
    """Who wants a ticket."""

    buyer = forms.CharField(
        label="Your name",
        max_length=NAME_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class StampedeForm(forms.Form):
    """How many come at once."""

    most: ClassVar[int] = MOST_BUYERS
    buyers = forms.IntegerField(label="Buyers", min_value=1, max_value=MOST_BUYERS, initial=40)
