"""The page of one effect: all that is known of it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import label_for_field
from django.http import HttpRequest, HttpResponse

from factos_django.admin.effects.ordering import held_by, waits_for
from factos_django.admin.effects.shown import shown_effects
from factos_django.admin.events.json_tree import json_tree
from factos_django.core.delivery import effect_key
from factos_django.models import Effect, EffectAction
from factos_django.models.effects import EFFECT_MOMENTS

__all__ = ["effect_page"]

#: So many of what was done by hand are shown, the last ones (actions).
_ACTIONS = 50


def effect_page(admin: Any, request: HttpRequest, row: Effect) -> HttpResponse:
    """Return the page of ``row``."""
    with_data = admin.may(request, "view_event_data")
    rows = admin.get_queryset(request)
    fact_url = admin.fact_url(row.position) if admin.may(request, "view_event") else ""
    (effect,) = shown_effects([row], with_data=with_data, fact_url=lambda position: fact_url)
    answer: HttpResponse = admin.shown(
        request,
        "admin/factos/effect/effect.html",
        title=str(row),
        original=row,
        effect=effect,
        effect_key=effect_key(row.reactor, row.event_id, row.name, row.key),
        moments=[(label_for_field(name, Effect), getattr(row, name)) for name in EFFECT_MOMENTS],
        waits_for=waits_for(row, rows),
        held_by=held_by(row, rows),
        with_data=with_data,
        data=json_tree(row.data) if with_data else None,
        actions=EffectAction.objects.using(admin.alias).filter(effect_id=row.pk).order_by("-pk")[:_ACTIONS],
        can_retry=row.state != Effect.State.DONE and admin.has_retry_permission(request, row),
        can_drop=_is_droppable(row) and admin.has_drop_permission(request, row),
    )
    return answer


def _is_droppable(row: Effect) -> bool:
    return row.state not in (Effect.State.DONE, Effect.State.DROPPED)
