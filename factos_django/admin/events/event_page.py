"""The page of one fact: what it says, what its decision saw, what came of it."""

from __future__ import annotations

import re
from typing import Any, cast

from django.contrib.admin.utils import quote
from django.contrib.messages import WARNING
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from factos_django.admin.events.causes import causes_of
from factos_django.admin.events.decision import Decision, decision_behind
from factos_django.admin.events.given_text import given_text
from factos_django.admin.events.json_tree import json_tree
from factos_django.admin.events.produced_effects import ProducedEffects, effects_of
from factos_django.admin.events.touched_rows import TouchedRows, touched_rows
from factos_django.admin.facts import shown_event
from factos_django.admin.log_admin import LogAdmin
from factos_django.core.metadata import ACTOR, IDEMPOTENCY_KEY, OPERATION_ID, SOURCE_CONTEXT
from factos_django.core.position import LAST_POSITION
from factos_django.core.query import Query
from factos_django.models import Event
from factos_django.status.holder import holder
from factos_django.store.companions import companions_of
from factos_django.store.rows import EventRow
from factos_django.store.stored import Page, stored_event, stored_page

__all__ = ["EventPage"]

_POSITION = re.compile("[0-9]{1,19}")


class EventPage(LogAdmin):
    """An admin with a page for each fact.

    To add to it, override ``event_context``, and the template's block ``event_extra``.
    """

    change_form_template = "admin/factos/event/change_form.html"

    class Media:
        css = {"all": ["factos/admin/json.css", "factos/admin/event.css"]}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the fact at a position. Nothing is changed, so whatever is posted is refused."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        position = _position_of(object_id)
        row = None if position is None else stored_event(position, using=self.alias)
        if row is None:
            return self._to_the_list(request, object_id)
        newer = self._neighbour(row.position, is_newer=True)
        event = shown_event(row, newer.head, self.alias, with_data=self.may(request, "view_event_data"))
        context = {
            "title": f"#{event.position} {event.type}",
            "newer": next(iter(newer.events), None),
            "older": next(iter(self._neighbour(row.position, is_newer=False).events), None),
            **self._sections(request, event, row, newer.head),
            **self.event_context(request, event),
            **(extra_context or {}),
        }
        return self.shown(request, cast(Any, self.change_form_template), **context)

    def event_context(self, request: HttpRequest, event: Event) -> dict[str, Any]:
        """Return what the template is told besides; by default nothing. ``event`` is of ``shown_event``."""
        return {}

    def _to_the_list(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = _("There is no event at “%(position)s”.") % {"position": object_id[:40]}
        self.message_user(request, text, WARNING)
        return HttpResponseRedirect(
            reverse("admin:factos_event_changelist", current_app=self.admin_site.name)
        )

    def _neighbour(self, position: int, *, is_newer: bool) -> Page:
        return stored_page(
            Query.all(),
            after=position if is_newer else 0,
            before=None if is_newer else position,
            limit=1,
            backwards=not is_newer,
            beyond_head=True,
            using=self.alias,
        )

    def _sections(self, request: HttpRequest, event: Any, row: EventRow, head: int) -> dict[str, Any]:
        with_data, using = self.may(request, "view_event_data"), self.alias
        decision = decision_behind(event.position, head, using, with_data=with_data)
        return {
            "event": event,
            "sees_data": with_data,
            "head": head,
            "holder": None if event.shown.is_followed else holder(using),
            "told": _told(event.metadata),
            "data": json_tree(row.data) if with_data else None,
            "metadata": json_tree(row.metadata),
            "causes": causes_of(event, head, using, with_data=with_data, after=_after(request)),
            "decision": decision,
            "test": self._test(event, decision) if with_data and decision else None,
            "effects": self._effects(request, event, with_data),
            "touched": self._touched(request, event, row, with_data),
        }

    def _test(self, event: Event, decision: Decision) -> str | None:
        if not decision.is_readable:
            return None
        decided = companions_of(event.position, using=self.alias)
        return given_text(
            event.position, decision.rows, are_all=decision.is_all, decided=decided, using=self.alias
        )

    def _effects(self, request: HttpRequest, event: Event, with_data: bool) -> ProducedEffects | None:
        sees = self.may(request, "view_effect")
        return effects_of(event, self.alias, with_data=with_data) if sees else None

    def _touched(
        self, request: HttpRequest, event: Event, row: EventRow, with_data: bool
    ) -> TouchedRows | None:
        if not self.may(request, "view_projectionstate"):
            return None

        def address_of(instance: Model) -> str:
            return self._address_of(instance, request)

        return touched_rows(event, row, self.alias, with_data=with_data, address_of=address_of)

    def _address_of(self, instance: Model, request: HttpRequest) -> str:
        """Return the address of a row's page in this admin; empty for none that the user may see."""
        model, site = type(instance), self.admin_site
        if not site.is_registered(model) or not site.get_model_admin(model).has_view_permission(request):
            return ""
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        try:
            return reverse(name, args=[quote(instance.pk)], current_app=site.name)
        except NoReverseMatch:  # an admin with pages of its own
            return ""


def _position_of(text: str) -> int | None:
    position = int(text) if _POSITION.fullmatch(text) else None
    return None if position is None or position > LAST_POSITION else position


def _after(request: HttpRequest) -> int:
    """Return the position above which the page of facts that it led to begins."""
    return _position_of(request.GET.get("children_after", "")) or 0


def _told(metadata: Any) -> list[tuple[str, Any]]:
    """Return what is said of the making of a fact, in words; causes are told elsewhere."""
    known: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
    words = {
        ACTOR: _("Actor"),
        OPERATION_ID: _("Operation"),
        SOURCE_CONTEXT: _("Source context"),
        IDEMPOTENCY_KEY: _("Idempotency key"),
    }
    return [(word, known[key]) for key, word in words.items() if known.get(key) is not None]
