"""Steering several effects of a page of the list: one question about all, and an answer about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from factos_django.admin.effects.steering_errors import refusal
from factos_django.admin.effects.steering_page import described, do
from factos_django.admin.effects.steps import Step
from factos_django.core.errors import FactosError
from factos_django.models import Effect

__all__ = ["SAID_YES", "steer_selected"]

#: What the page that asks posts, and the list does not.
SAID_YES = "said_yes"

#: So many that were refused are told one by one (effects).
_TOLD = 10


def steer_selected(
    admin: Any, request: HttpRequest, rows: Sequence[Effect], step: Step, action: str, question: str
) -> HttpResponse | None:
    """Return the page that asks; if that is posted, do ``step`` about each of ``rows`` and return None."""
    form = step.form(request.POST if SAID_YES in request.POST else None)
    if SAID_YES in request.POST and form.is_valid():
        _steer(admin, request, rows, step, form.cleaned_data["reason"])
        return None
    return _asked(admin, request, rows, step, form, action, question)


def _steer(admin: Any, request: HttpRequest, rows: Sequence[Effect], step: Step, reason: str) -> None:
    """Do it to each; one that is refused keeps nobody from the others."""
    changed, refused = 0, []
    for row in rows:
        try:
            changed += do(admin, request, row, step, reason)
        except FactosError as error:
            refused.append(refusal(row.pk, error))
    if changed or not refused:
        admin.message_user(request, step.done(changed), messages.SUCCESS if changed else messages.INFO)
    for sentence in refused[:_TOLD]:
        admin.message_user(request, sentence, messages.ERROR)
    if (left := len(refused) - _TOLD) > 0:
        said = ngettext("%(count)d more was refused.", "%(count)d more were refused.", left)
        admin.message_user(request, said % {"count": left}, messages.ERROR)


def _asked(
    admin: Any,
    request: HttpRequest,
    rows: Sequence[Effect],
    step: Step,
    form: Form,
    action: str,
    question: str,
) -> HttpResponse:
    chosen = [(ACTION_CHECKBOX_NAME, row.pk) for row in rows]
    answer: HttpResponse = admin.shown(
        request,
        "admin/factos/confirm.html",
        title=_("Are you sure?"),
        question=question,
        details=[described(row) for row in rows],
        form=form,
        hidden=[("action", action), (SAID_YES, "1"), *chosen],
        submit=step.submit,
        is_grave=step.is_grave,
        cancel_url=request.get_full_path(),
    )
    return answer
