"""The admin of projections."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext

from factos_django.admin.explorer import explorer_query_string
from factos_django.admin.log_admin import LogAdmin
from factos_django.admin.projections.obstacles import obstacle
from factos_django.admin.projections.parked import parked_events
from factos_django.admin.projections.refusal_text import refusal_text
from factos_django.admin.projections.run_told import run_told
from factos_django.admin.projections.shown import READ, ShownProjection, shown_projection
from factos_django.admin.projections.standing import standing
from factos_django.admin.projections.steps import STEPS, Step
from factos_django.admin.projections.tables import shown_tables
from factos_django.admin.query_words import query_in_words
from factos_django.core.errors import FactosError, InvalidName, ProjectionElsewhere, UnknownProjection
from factos_django.core.naming import checked_name
from factos_django.models import ProjectionState
from factos_django.projections.declaration import Projection
from factos_django.projections.selection import here
from factos_django.projections.states import state_of
from factos_django.status import projection_runs, projection_status, projection_statuses
from factos_django.status.projections import unknown_projections
from factos_django.store import head

__all__ = ["ProjectionAdmin"]


@admin.register(ProjectionState)
class ProjectionAdmin(LogAdmin):
    """Projections: all that are registered, whether a worker has stored where they stand or not.

    Steering them takes ``factos.rebuild_projection``; errors, which may quote facts, and the statement of
    who holds the head back are shown to whoever has ``factos.view_event_data``.
    """

    class Media:
        css = {"all": ["factos/admin/projections.css"]}
        js = ["factos/admin/progress.js"]

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of the steps and of the progress of a run, and Django's own."""
        steps = [self._path(each.name, self.step_view, step=each) for each in STEPS.values()]
        return [*steps, self._path("progress", self.progress_view), *super().get_urls()]

    def _path(self, name: str, view: Any, **given: Any) -> URLPattern:
        route, named = f"<path:object_id>/{name}/", f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        return path(route, self.admin_site.admin_view(partial(view, **given)), name=named)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return what is stored of a projection; of one that is registered, what would be; or None."""
        try:
            state = state_of(checked_name(object_id), self.alias)
        except InvalidName:  # which not every database takes
            return None
        if state is None and self._registered(object_id) is not None:
            return ProjectionState(name=object_id)
        return state

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show all projections, the head that they follow, and what holds it back."""
        self._refuse_writing(request)
        using, with_data = self.alias, self.may(request, "view_event_data")
        log = standing(using, with_data=with_data)
        statuses = projection_statuses(log.head, READ, using, read_to=READ)
        return self.shown(
            request,
            "admin/factos/projectionstate/list.html",
            title=gettext("Projections"),
            cl={"opts": self.opts},  # for the breadcrumbs
            actions_on_top=True,  # there are none; otherwise Django styles the list inline
            log=log,
            projections=[shown_projection(each, with_data=with_data) for each in statuses],
            unknown=[(name, quote(name)) for name in unknown_projections(using)],
            with_data=with_data,
            may_view_events=self._may_view_events(request),
            **(extra_context or {}),
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one projection."""
        self._refuse_writing(request)
        name = unquote(object_id)
        state = self.get_object(request, name)
        if state is None:
            raise Http404(gettext("There is no projection of this name."))
        declared = self._registered(name)
        return self.shown(
            request,
            "admin/factos/projectionstate/page.html",
            title=name,
            name=name,
            quoted=quote(name),
            state=state,
            parked=parked_events(name, self.alias),
            with_data=self.may(request, "view_event_data"),
            may_view_events=self._may_view_events(request),
            **({} if declared is None else self._of_declared(request, declared)),
            **(extra_context or {}),
        )

    def step_view(self, request: HttpRequest, object_id: str, step: Step) -> HttpResponse:
        """Ask whether ``step`` is to be done, and do it."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        self._refuse_strangers(request)
        self.refuse_without(request, "rebuild_projection")
        shown = self._shown_or_404(request, unquote(object_id))
        confirmed = request.POST.get("position", "") if request.method == "POST" else None
        if text := obstacle(step, shown, confirmed, self.alias):
            return self._answered(request, shown.status.name, text, messages.ERROR)
        if request.method == "POST":
            return self._do(request, step, shown.status.name)
        return self._asked(request, step, shown)

    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tell how far a rebuild or a check is, as JSON."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        self._refuse_strangers(request)
        name = unquote(object_id)
        if self._registered(name) is None:
            raise Http404
        with_data = self.may(request, "view_event_data")
        return JsonResponse(run_told(projection_runs(name, self.alias), with_data=with_data).as_data())

    def _do(self, request: HttpRequest, step: Step, name: str) -> HttpResponse:
        try:
            done = step.act(name, self.alias)
        except FactosError as error:
            text = refusal_text(error, name, self.alias, checks=step.name == "check")
            return self._answered(request, name, text, messages.ERROR)
        if done.is_change:
            self.log_change(request, self.get_object(request, name), done.text)
        level = messages.SUCCESS if done.is_change else messages.WARNING
        return self._answered(request, name, done.text, level)

    def _asked(self, request: HttpRequest, step: Step, shown: ShownProjection) -> HttpResponse:
        said = {"name": shown.status.name, "position": shown.position}
        waiting = [] if shown.run.is_over else [f"{shown.run.heading}: {shown.run.text}"]
        return self.shown(
            request,
            "admin/factos/confirm.html",
            title=f"{shown.status.name}: {step.label}",
            question=step.question % said,
            details=[*step.details, *waiting, *([shown.error] if shown.error else [])],
            form=None,
            hidden=[("position", shown.position)] if step.name == "skip" else [],
            submit=step.submit,
            is_grave=step.is_grave,
            cancel_url=self._page_of(shown.status.name),
        )

    def _answered(self, request: HttpRequest, name: str, text: str, level: int) -> HttpResponse:
        self.message_user(request, text, level)
        return HttpResponseRedirect(self._page_of(name))

    def _page_of(self, name: str) -> str:
        address = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(address, args=[quote(name)], current_app=self.admin_site.name)

    def _of_declared(self, request: HttpRequest, declared: Projection) -> dict[str, Any]:
        """Return what the page of a registered projection says beyond what is stored."""
        shown = self._shown_or_404(request, declared.name)
        possible = {"rebuild": True, "check": True, "resume": shown.may_resume, "skip": shown.may_skip}
        may_steer = self.may(request, "rebuild_projection")
        return {
            "declared": declared,
            "shown": shown,
            "query_words": query_in_words(declared.query),
            "explorer": explorer_query_string(declared.query) if self._may_view_events(request) else "",
            "tables": shown_tables(declared.feed.models, self.admin_site, request),
            "steps": [each for each in STEPS.values() if may_steer and possible[each.name]],
        }

    def _shown_or_404(self, request: HttpRequest, name: str) -> ShownProjection:
        if self._registered(name) is None:
            raise Http404(gettext("There is no projection of this name."))
        using = self.alias
        status = projection_status(name, head(using), count_to=READ, read_to=READ, using=using)
        return shown_projection(status, with_data=self.may(request, "view_event_data"))

    def _registered(self, name: str) -> Projection | None:
        try:
            return here(name, self.alias)
        except (UnknownProjection, ProjectionElsewhere):
            return None

    def _may_view_events(self, request: HttpRequest) -> bool:
        return self.may(request, "view_event")

    def _refuse_writing(self, request: HttpRequest) -> None:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        self._refuse_strangers(request)

    def _refuse_strangers(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
