"""What the pages of ticketing ask for."""

from __future__ import annotations

from typing import ClassVar

from django import forms

from demo_project.ticketing.domain import sale_facts
from factos_django import InvalidTag

__all__ = ["BuyForm", "OpenForm", "StampedeForm"]

#: Room for it beside the name of a tag.
LONGEST_NAME = 200
MOST_BUYERS = 200


class OpenForm(forms.Form):
    """A new conference."""

    conference = forms.CharField(max_length=LONGEST_NAME)
    capacity = forms.IntegerField(label="Tickets", min_value=1, max_value=100_000, initial=100)

    def clean_conference(self) -> str:
        """Return the name, if a tag can hold it, and an address that has more after it."""
        name: str = self.cleaned_data["conference"]
        if "/" in name:
            raise forms.ValidationError("A name has no slash.")
        try:
            sale_facts(name)
        except InvalidTag as error:
            raise forms.ValidationError(str(error)) from error
        return name


class BuyForm(forms.Form):
    """Who wants a ticket."""

    buyer = forms.CharField(
        label="Your name",
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class StampedeForm(forms.Form):
    """How many come at once."""

    most: ClassVar[int] = MOST_BUYERS
    buyers = forms.IntegerField(label="Buyers", min_value=1, max_value=MOST_BUYERS, initial=40)
