"""The admin of tags."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from factos_django.admin.facts import tag_links
from factos_django.admin.log_admin import LogAdmin
from factos_django.admin.quoting import unquoted
from factos_django.admin.tags.history import history_of
from factos_django.admin.tags.known_tags import is_known, tags_beginning
from factos_django.admin.tags.timeline import place_of
from factos_django.core.errors import InvalidInput
from factos_django.models import Tag

__all__ = ["TagAdmin"]


@admin.register(Tag)
class TagAdmin(LogAdmin):
    """Tags, each once, in order. The page of one is its history.

    Attributes:
        list_per_page: How many tags a page lists.
        most_completions: How many tags are proposed to whoever writes one.
        newest_for_related: Among so many of the newest facts of a tag, those that stand beside it are found.
    """

    most_completions = 20
    newest_for_related = 200

    class Media:
        css = {"all": ["factos/admin/tags.css"]}

    def get_urls(self) -> list[Any]:
        """Return the addresses: that of completion before those that take any tag."""
        complete = self.admin_site.admin_view(self.complete_view)
        return [path("complete/", complete, name="factos_tag_complete"), *super().get_urls()]

    def complete_view(self, request: HttpRequest) -> JsonResponse:
        """Answer with the first tags that begin with ``prefix``; with none for what begins no tag."""
        self._refuse_all_but_looking(request)
        prefix = request.GET.get("prefix", "")
        return JsonResponse({"tags": tags_beginning(prefix, limit=self.most_completions, using=self.alias)})

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List the tags that begin with ``q``, those after ``after``."""
        self._refuse_all_but_looking(request)
        prefix, after = request.GET.get("q", ""), request.GET.get("after", "")
        found = tags_beginning(prefix, after=after, limit=self.list_per_page + 1, using=self.alias)
        tags = found[: self.list_per_page]
        context = {
            "tags": tag_links(tags),
            "prefix": prefix,
            "first_url": _url(q=prefix) if after else None,
            "next_url": _url(q=prefix, after=tags[-1]) if len(found) > len(tags) else None,
        }
        context |= {"title": _("Tags"), "original": f"{prefix}…" if prefix else _("All")}
        return self.shown(request, "admin/factos/tag/list.html", **{**context, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the history of a tag; with status 404 a page that says so for one that no fact carries."""
        self._refuse_all_but_looking(request)
        tag = unquoted(object_id)
        if not is_known(tag, using=self.alias):
            answer = self.shown(request, "admin/factos/tag/unknown.html", title=tag, **(extra_context or {}))
            answer.status_code = 404
            return answer
        try:
            place = place_of(request.GET)
        except InvalidInput:  # somebody edited the address
            return HttpResponseRedirect(request.path)
        context: dict[str, Any] = {"title": tag, "tag": tag, "newest": self.newest_for_related}
        if self.may(request, "view_event"):
            with_data = self.may(request, "view_event_data")
            newest = self.newest_for_related
            context["history"] = history_of(tag, place, newest=newest, with_data=with_data, using=self.alias)
        return self.shown(request, "admin/factos/tag/history.html", **{**context, **(extra_context or {})})

    def _refuse_all_but_looking(self, request: HttpRequest) -> None:
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied


def _url(**parameters: str) -> str:
    """Return the address of the same page with these parameters, the empty ones left out."""
    return f"?{urlencode({name: value for name, value in parameters.items() if value})}"
