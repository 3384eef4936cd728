"""The pages that ask before something is done about one effect, and do it when they are posted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from factos_django.admin.effects.ordering import dead_behind
from factos_django.admin.effects.steering_errors import refusal
from factos_django.admin.effects.steps import RETRY_BEHIND, Step
from factos_django.core.errors import FactosError
from factos_django.models import Effect

__all__ = ["described", "do", "steering_page"]


def steering_page(admin: Any, request: HttpRequest, row: Effect, step: Step) -> HttpResponse:
    """Return the page of ``step`` for ``row``; if it is posted with all that it asks for, do it."""
    if not getattr(admin, f"has_{step.permission}_permission")(request, row):
        raise PermissionDenied
    form = step.form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _tell(admin, request, row, step, form.cleaned_data["reason"])
        return HttpResponseRedirect(admin.address("effect_change", row.pk))
    return _asked(admin, request, row, step, form)


def do(admin: Any, request: HttpRequest, row: Effect, step: Step, reason: str) -> int:
    """Do ``step`` about ``row``, keep who did it, and return how many it changed; raise FactosError.

    Where nothing was changed, nothing is kept.
    """
    user: Any = request.user
    number = step.act(row.pk, reason=reason, actor=str(user.pk), using=admin.alias)
    if number:
        said = {"done": step.logged, "reason": reason}
        admin.log_change(request, row, _("%(done)s %(reason)s") % said if reason else str(step.logged))
    return number


def described(row: Effect) -> str:
    """Return ``row`` in a line."""
    return _("%(name)s, effect %(id)d of fact #%(position)d: %(state)s, attempts: %(attempts)d") % {
        "name": row.name,
        "id": row.pk,
        "position": row.position,
        "state": row.get_state_display(),
        "attempts": row.attempts,
    }


def _tell(admin: Any, request: HttpRequest, row: Effect, step: Step, reason: str) -> None:
    try:
        number = do(admin, request, row, step, reason)
    except FactosError as error:
        admin.message_user(request, refusal(row.pk, error), messages.ERROR)
    else:
        admin.message_user(request, step.done(number), messages.SUCCESS if number else messages.INFO)


def _asked(admin: Any, request: HttpRequest, row: Effect, step: Step, form: Form) -> HttpResponse:
    answer: HttpResponse = admin.shown(
        request,
        "admin/factos/confirm.html",
        title=str(step.title),
        question=step.question,
        details=[described(row), *(_behind(admin, request, row) if step is RETRY_BEHIND else [])],
        form=form,
        hidden=[],
        submit=step.submit,
        is_grave=step.is_grave,
        cancel_url=admin.address("effect_change", row.pk),
    )
    return answer


def _behind(admin: Any, request: HttpRequest, row: Effect) -> list[str]:
    line = dead_behind(row, admin.get_queryset(request))
    lines = [described(each) for each in line.effects]
    if line.is_more:
        lines.append(_("There may be more behind these."))
    return lines or [_("No dead one is behind it.")]
