"""Accounts. What they have is read from a projection, their history and what lies behind from the log."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from demo_project.banking.domain import (
    OpenAccount,
    TransferMoney,
    WithdrawMoney,
    accounting,
    facts_of_account,
    opening_context,
    transfer_context,
    withdrawal_context,
)
from demo_project.banking.factos import months
from demo_project.banking.forms import ACTIONS, AccountForm, OpenForm
from demo_project.banking.history import history
from demo_project.banking.models import AccountBalance, AccountMonth
from demo_project.banking.spending import spend_at_once
from demo_project.behind import Behind, behind
from demo_project.command_form import FindForm
from demo_project.crowd import CrowdForm
from demo_project.followed import applied
from demo_project.live import feed_of
from factos_django import InvalidTag

__all__ = ["account", "home"]

ACCOUNTS_SHOWN = 20
LINES_SHOWN = 20
MONTHS_SHOWN = 12

#: What the page asks about, before anybody has asked for something.
SOMEBODY, TEN_EUROS = "renata", 10_00


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """The accounts; a POST opens one."""
    form = OpenForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.sent(request) is not None:
        return redirect("banking:account", form.cleaned_data["account"])
    find = FindForm(request.GET)
    found = AccountBalance.objects.filter(account__startswith=find.found()).order_by("-factos_position")
    context = {
        "accounts": found[:ACCOUNTS_SHOWN],
        "most": ACCOUNTS_SHOWN,
        "find": find,
        "form": form,
        "behind": form.behind() or behind(OpenAccount(SOMEBODY), decider=accounting, query=opening_context),
    }
    return render(request, "banking/home.html", context, status=form.status)


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest, account: str) -> HttpResponse:
    """One account; a POST does there what its ``do`` says. ``?parts``: only what changes there."""
    row = _row_of(account)
    form = None
    if request.method == "POST":
        form = _asked(request, account)
        if form is None:
            return redirect("banking:account", account)
    context = {
        "row": row,
        "lines": list(history(account, LINES_SHOWN)),
        "shown": LINES_SHOWN,
        "behind": (form and form.behind()) or _behind_example(account),
    }
    if "parts" in request.GET:
        return render(request, "banking/parts.html", context)
    context |= _around(row, form)
    return render(request, "banking/account.html", context, status=form.status if form else 200)


def _asked(request: HttpRequest, account: str) -> AccountForm | None:
    """Do what a POST asks for. Return the form that is to be shown again; None: it is done."""
    action = request.POST.get("do", "")
    if action == "crowd":
        _spend(request, account)
        return None
    if action not in ACTIONS:
        raise Http404("There is no such thing to do.")
    form = ACTIONS[action](account, request.POST)
    return form if form.sent(request) is None else None


def _spend(request: HttpRequest, account: str) -> None:
    form = CrowdForm(request.POST)
    if not form.is_valid():
        messages.warning(request, f"Nothing was recorded: 2 to {CrowdForm.most} come at once.")
    elif (spending := spend_at_once(account, form.cleaned_data["crowd"])) is None:
        messages.warning(request, "There is nothing to spend. Put money in first.")
    else:
        tell = messages.success if spending.is_as_it_should_be else messages.error
        tell(request, spending.in_words())


def _row_of(account: str) -> AccountBalance:
    try:
        facts_of_account(account)
        row: AccountBalance = AccountBalance.objects.get(pk=account)
    except (InvalidTag, AccountBalance.DoesNotExist) as error:  # no tag can hold this name, or no fact does
        raise Http404("There is no such account.") from error
    return row


def _others(account: str) -> list[str]:
    """Return accounts that money can be sent to, those first where something happened last."""
    others = AccountBalance.objects.filter(is_open=True).exclude(pk=account).order_by("-factos_position")
    return list(others.values_list("account", flat=True)[:ACCOUNTS_SHOWN])


def _behind_example(account: str) -> Behind[Any, Any]:
    if others := _others(account)[:1]:
        transfer = TransferMoney(account, others[0], TEN_EUROS)
        return behind(transfer, decider=accounting, query=transfer_context)
    return behind(WithdrawMoney(account, TEN_EUROS), decider=accounting, query=withdrawal_context)


def _around(row: AccountBalance, again: AccountForm | None) -> dict[str, Any]:
    """Return what stands around the parts that change: the forms, that which is shown again among them."""
    fresh = {action: form(row.account) for action, form in ACTIONS.items()}
    until = applied(months.name)
    return {
        "forms": (fresh | ({again.action: again} if again else {})).values(),
        "crowd": CrowdForm(),
        "others": _others(row.account),
        "feed": feed_of(facts_of_account(row.account).items[0]),
        "applied": until,
        "months": AccountMonth.objects.filter(account=row.account).order_by("-month")[:MONTHS_SHOWN],
    }
