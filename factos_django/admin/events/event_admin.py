"""The admin of events."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from factos_django.admin.dashboard import DashboardPage
from factos_django.admin.events.correlation_filter import CorrelationFilter
from factos_django.admin.events.event_list import EventChangeList
from factos_django.admin.events.event_page import EventPage
from factos_django.admin.events.period_filter import PeriodFilter
from factos_django.admin.events.search import parsed_search
from factos_django.admin.events.searching import place_of
from factos_django.admin.events.tag_filter import TagFilter
from factos_django.admin.events.type_filter import TypeFilter
from factos_django.admin.explorer import ExplorerAdmin
from factos_django.admin.facts import TagLink
from factos_django.admin.moments import shown_moment
from factos_django.models import Event

__all__ = ["EventAdmin"]


@admin.register(Event)
class EventAdmin(DashboardPage, EventPage, ExplorerAdmin):
    """Facts, newest first. Their data are shown to whoever has ``factos.view_event_data``."""

    list_display: tuple[Any, ...] = ("place", "recorded", "type", "tag_list", "summary")
    list_filter: ClassVar[tuple[Any, ...]] = (TypeFilter, TagFilter, PeriodFilter, CorrelationFilter)
    search_fields = ("position",)  # for the search box; it goes by words, and not by fields
    change_list_template = "admin/factos/event/change_list.html"

    class Media:
        css = {"all": ["factos/admin/lists.css", "factos/admin/events.css"]}
        js = ["factos/admin/complete.js"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EventChangeList]:
        """Return what reads a page of the log."""
        return EventChangeList

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Return the columns, without the summary for a user who may not see data."""
        sees_data = self.may(request, "view_event_data")
        return [each for each in super().get_list_display(request) if sees_data or each != "summary"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return nothing: the list is not read by a queryset, and whatever else asks would count the log."""
        return queryset.none(), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a page of the list, or go to the one fact that is searched for."""
        if request.method in ("GET", "HEAD") and self.has_view_permission(request):
            position = place_of(parsed_search(request.GET.get(SEARCH_VAR, "")), self.alias)
            if position is not None:
                return HttpResponseRedirect(self._address("event_change", position))
        return super().changelist_view(request, extra_context)

    @admin.display(description=_("position"))
    def place(self, event: Any) -> str:
        """Return its position, and whether it is not yet followed."""
        if event.shown.is_followed:
            return f"#{event.position}"
        return format_html(
            '#{} <span class="factos-mark">{}</span>', event.position, gettext("not yet followed")
        )

    @admin.display(description=_("recorded at"))
    def recorded(self, event: Any) -> str:
        """Return when it was recorded, in the current time zone."""
        return shown_moment(event.recorded_at)

    @admin.display(description=_("tags"))
    def tag_list(self, event: Any) -> str:
        """Return its tags, each a link to its history."""
        return format_html_join(" ", "{}", ([self._tag(tag)] for tag in event.shown.tags))

    @admin.display(description=_("summary"))
    def summary(self, event: Any) -> str:
        """Return its data in one line."""
        return format_html('<span class="factos-summary">{}</span>', event.shown.summary)

    def _tag(self, tag: TagLink) -> str:
        try:
            address = self._address("tag_change", tag.quoted)
        except NoReverseMatch:  # on a site without our TagAdmin
            return format_html('<span class="factos-tag">{}</span>', tag.value)
        return format_html('<a class="factos-tag" href="{}">{}</a>', address, tag.value)

    def _address(self, page: str, key: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{page}", args=[key], current_app=self.admin_site.name)
