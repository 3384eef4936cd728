"""What all our admins have in common: they show what other modules write, and write nothing themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from factos_django.admin.keyset import KeysetChangeList
from factos_django.store.database import database_for_writing

__all__ = ["LogAdmin"]


class LogAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes none when it runs
    """An admin whose rows nobody adds, changes or deletes, a superuser included.

    Subclass one of ours, and register that instead: ``admin.site.unregister(Event)``, then
    ``admin.site.register(Event, MyEventAdmin)``.
    """

    #: The alias of the database that is shown; None for where the project's routers write events.
    using: str | None = None

    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count a long table for each choice of a filter
    sortable_by = ()

    class Media:
        css = {"all": ["factos/admin/admin.css"]}
        js = ["factos/admin/copy.js"]

    @property
    def alias(self) -> str:
        """The alias of the database that is shown."""
        return database_for_writing(self.using)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def may(self, request: HttpRequest, codename: str) -> bool:
        """Tell whether the user has a permission of this app (``view_event_data``)."""
        user: Any = request.user
        return bool(user.has_perm(f"{self.opts.app_label}.{codename}"))

    def refuse_without(self, request: HttpRequest, *codenames: str) -> None:
        """Raise PermissionDenied for a user who lacks one of these permissions of this app."""
        if not all(self.may(request, each) for each in codenames):
            raise PermissionDenied

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Let nobody ask what no filter of ours asks: it would read a long table from end to end."""
        filters = self.list_filter if request is None else self.get_list_filter(request)
        expected = {name for each in filters for name in getattr(each, "parameters", ())}
        return lookup in expected

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the database that is shown."""
        return super().get_queryset(request).using(self.alias)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        """Return what reads a page."""
        return KeysetChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a page of the list. What is posted to it is refused where there are no actions."""
        if request.method not in ("GET", "HEAD") and not self.get_actions(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what was done here about it. Nothing can be posted to it."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def shown(
        self, request: HttpRequest, template: str, *, title: str, original: Any = None, **context: Any
    ) -> HttpResponse:
        """Return a page of this admin that is neither a list nor a form.

        ``original`` is what the last of its breadcrumbs says; by default the title.
        """
        request.current_app = self.admin_site.name
        common = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": title,
            "original": title if original is None else original,
            "has_view_permission": self.has_view_permission(request),
        }
        return TemplateResponse(request, template, {**common, **context})
