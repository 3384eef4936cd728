"""The page ``dashboard/`` of the events' admin."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from factos_django.admin.dashboard.chart import chart_of
from factos_django.admin.dashboard.effect_counts import effect_counts
from factos_django.admin.dashboard.glance import Glance, glance_at
from factos_django.admin.dashboard.links import Links
from factos_django.admin.dashboard.log_figures import log_figures
from factos_django.admin.dashboard.problems import problems_of
from factos_django.admin.dashboard.projection_rows import projection_rows
from factos_django.admin.log_admin import LogAdmin

__all__ = ["DashboardPage"]

#: Each shows a part of the page, and lets a user open it.
_VIEWS = ("view_event", "view_projectionstate", "view_effect")


class DashboardPage(LogAdmin):
    """Adds the dashboard to an admin, at ``admin:factos_dashboard``. It shows what the user may view."""

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of this admin, that of the dashboard before those of single rows."""
        view = self.admin_site.admin_view(self.dashboard_view)
        name = f"{self.opts.app_label}_dashboard"
        return [path("dashboard/", view, name=name), *super().get_urls()]

    def dashboard_view(self, request: HttpRequest) -> HttpResponse:
        """Show where everything stands; of what the user may not view, nothing is asked."""
        views = {each for each in _VIEWS if self.may(request, each)}
        if not views or request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        found = glance_at(self.alias, views)
        links = Links(self.admin_site.name, to_facts="view_event" in views)
        return self.shown(
            request,
            "admin/factos/dashboard.html",
            title=_("Dashboard"),
            media=self.media + Media(css={"all": ["factos/admin/dashboard.css"]}),
            read_at=timezone.now(),
            **_parts(found, links, with_data=self.may(request, "view_event_data")),
        )


def _parts(found: Glance, links: Links, *, with_data: bool) -> dict[str, Any]:
    """Return what the template shows; None for what was not looked at."""
    return {
        "database": found.database,
        "problems": problems_of(found, links, with_data=with_data),
        "log": None if found.log is None else log_figures(found.log, with_data=with_data),
        "chart": None if found.rate is None else chart_of(found.rate),
        "projections": (
            None
            if found.projections is None
            else projection_rows(found.projections, links, with_data=with_data)
        ),
        "unknown": found.unknown,
        "effects": None if found.effects is None else effect_counts(found.effects, links),
    }
