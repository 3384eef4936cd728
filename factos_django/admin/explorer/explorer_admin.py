"""The explorer's page, as a part of the admin of events."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import Media
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.translation import gettext as _

from factos_django.admin.explorer.address import address_of, changed_address
from factos_django.admin.explorer.asked import asked_by
from factos_django.admin.explorer.form import form_of
from factos_django.admin.explorer.found import found_by
from factos_django.admin.log_admin import LogAdmin
from factos_django.core.errors import InvalidPosition

__all__ = ["ExplorerAdmin"]

_MEDIA = Media(css={"all": ["factos/admin/explorer.css"]}, js=["factos/admin/explorer.js"])


class ExplorerAdmin(LogAdmin):
    """An admin with the page ``admin:factos_explorer``, where a query is built and looked at.

    It needs ``view_event``; to see what facts say, ``view_event_data``; to be proposed tags, ``view_tag``.
    """

    def get_urls(self) -> list[Any]:
        """Return the addresses, the explorer's before those that take any position."""
        explore = self.admin_site.admin_view(self.explorer_view)
        return [path("explorer/", explore, name="factos_explorer"), *super().get_urls()]

    def explorer_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form, and what its query matches; with an item more or less where that is asked for."""
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        if (changed := changed_address(request.GET)) is not None:
            return HttpResponseRedirect(f"?{changed.query_string()}#factos-items")
        address = address_of(request.GET)
        asked = asked_by(address)
        context: dict[str, Any] = {"form": form_of(address, asked.errors, self.alias)}
        if asked.query is not None:
            with_data = self.may(request, "view_event_data")
            try:
                context["found"] = found_by(
                    asked.query, asked, address, request.GET, with_data=with_data, using=self.alias
                )
            except InvalidPosition:  # somebody edited the address
                return HttpResponseRedirect(f"?{address.query_string()}")
        media = self.media + _MEDIA
        context |= {"title": _("Explorer"), "media": media, "may_complete": self.may(request, "view_tag")}
        return self.shown(request, "admin/factos/explorer/explorer.html", **context)
