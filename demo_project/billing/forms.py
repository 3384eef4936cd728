"""What the pages of billing ask for: a form for each command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict

from demo_project.billing.domain import (
    ImpossibleAmount,
    IssueInvoice,
    NotTheAmount,
    PayInvoice,
    VoidInvoice,
    issuing_context,
    numbering,
    settlement,
    settlement_context,
)
from demo_project.command_form import CommandForm, NameField
from demo_project.money import AmountField, euros
from factos_django import DomainError
from factos_django.dispatch import Dispatched

__all__ = ["ACTIONS", "InvoiceForm", "IssueForm", "PayForm", "SeriesForm", "VoidForm", "this_month"]

#: Room for number and series in one tag.
SERIES_MAX_LENGTH = 100


def this_month() -> str:
    """Return the series that an invoice of today belongs to: each month begins one, so none is long."""
    return f"{datetime.now(UTC):%Y-%m}"


class BillingForm(CommandForm):
    """A command of billing. Its refusals name amounts, and people read euros."""

    def refused(self, refusal: DomainError) -> str:
        """Return why, with the amounts."""
        match refusal:
            case NotTheAmount(due=due, paid=paid):
                return f"{refusal} {euros(due)} is due, and {euros(paid)} came."
            case ImpossibleAmount(most=most):
                return f"{refusal} That is {euros(most)}."
        return str(refusal)


class IssueForm(BillingForm):
    """A new invoice of the series whose page it is on."""

    decider, query = numbering, issuing_context
    customer = NameField(initial="renata")
    amount = AmountField(initial="19.90")

    def __init__(self, series: str, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="issue-%s")
        self.series = series

    def command(self) -> IssueInvoice:
        """Return the command."""
        return IssueInvoice(self.series, self.cleaned_data["customer"], self.cleaned_data["amount"])

    def told(self, done: Dispatched[Any]) -> str:
        """Return what was done."""
        issued = done.events[0].event
        return f"Invoice {issued.series}-{issued.number} is issued, as fact #{done.position}."


class SeriesForm(IssueForm):
    """A new invoice of any series."""

    series_named = NameField(label="Series", max_length=SERIES_MAX_LENGTH)
    field_order = ("series_named", "customer", "amount")

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(this_month(), data)
        self.fields["series_named"].initial = self.series

    def command(self) -> IssueInvoice:
        """Return the command."""
        self.series = self.cleaned_data["series_named"]
        return super().command()


class InvoiceForm(BillingForm):
    """A command of the invoice whose page it is on."""

    decider, query = settlement, settlement_context

    def __init__(self, series: str, number: int, data: QueryDict | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.series, self.number = series, number


class PayForm(InvoiceForm):
    """Money that came."""

    amount = AmountField()

    def command(self) -> PayInvoice:
        """Return the command."""
        return PayInvoice(self.series, self.number, self.cleaned_data["amount"])

    def told(self, done: Dispatched[Any]) -> str:
        """Return what was done."""
        return f"Invoice {self.series}-{self.number} is paid, as fact #{done.position}."


class VoidForm(InvoiceForm):
    """The end of an invoice."""

    def command(self) -> VoidInvoice:
        """Return the command."""
        return VoidInvoice(self.series, self.number)

    def told(self, done: Dispatched[Any]) -> str:
        """Return what was done."""
        return f"Invoice {self.series}-{self.number} is void{'' if done.events else ' already'}."


#: What can be done with an invoice, by what is sent then. (In a list of them there are buttons alone.)
ACTIONS: dict[str, type[InvoiceForm]] = {"amount": PayForm, "void": VoidForm}
