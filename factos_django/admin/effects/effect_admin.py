"""The admin of effects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from factos_django.admin.effects.created_filter import CreatedFilter
from factos_django.admin.effects.effect_list import EffectChangeList
from factos_django.admin.effects.effect_page import effect_page
from factos_django.admin.effects.numbers import number_of
from factos_django.admin.effects.position_filter import PositionFilter
from factos_django.admin.effects.state_filter import StateFilter
from factos_django.admin.effects.steering_errors import no_effect
from factos_django.admin.effects.steering_page import steering_page
from factos_django.admin.effects.steering_selected import steer_selected
from factos_django.admin.effects.steps import DROP, RETRY, STEPS, Step
from factos_django.admin.effects.text_filters import NameFilter, OrderingKeyFilter, ReactorFilter
from factos_django.admin.log_admin import LogAdmin
from factos_django.admin.moments import shown_moment
from factos_django.models import Effect

__all__ = ["EffectAdmin"]


class PageActionForm(ActionForm):
    """Chooses what is done about the selected rows of a page: never about rows of other pages."""

    select_across = None  # so a form leaves out a field of its parent

    def clean(self) -> dict[str, Any]:
        """Return what was chosen. ModelAdmin asks for the field that is left out."""
        return {**(super().clean() or {}), "select_across": False}


@admin.register(Effect)
class EffectAdmin(LogAdmin):
    """Effects, newest first. Data and errors are shown to whoever has ``factos.view_event_data``."""

    list_display = (
        "number",
        "asked",
        "fact",
        "state_in_words",
        "attempts",
        "error_line",
        "next_try",
        "finished",
        "ordering_link",
    )
    list_filter = (StateFilter, NameFilter, ReactorFilter, OrderingKeyFilter, PositionFilter, CreatedFilter)
    search_fields = ("ordering_key",)  # for the search box; it goes by what a text looks like
    change_list_template = "admin/factos/effect/change_list.html"
    actions = ("retry_selected", "drop_selected")  # type: ignore[assignment]  # LogAdmin has none
    action_form = PageActionForm

    class Media:
        css = {"all": ["factos/admin/lists.css", "factos/admin/json.css", "factos/admin/effects.css"]}

    # Permissions

    def has_retry_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the user may have effects tried again."""
        return self.may(request, "retry_effect")

    def has_drop_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the user may give effects up."""
        return self.may(request, "drop_effect")

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EffectChangeList]:
        """Return what reads a page of the outbox."""
        return EffectChangeList

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns, without errors for a user who may not see data: they may quote them."""
        sees_data = self.may(request, "view_event_data")
        return [each for each in super().get_list_display(request) if sees_data or each != "error_line"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Leave the rows as they are: the list is not read by a queryset."""
        return queryset, False

    @admin.display(description=_("id"))
    def number(self, effect: Any) -> str:
        """Return its id."""
        return str(effect.pk)

    @admin.display(description=_("effect"))
    def asked(self, effect: Any) -> str:
        """Return its name, and below it who asked for it."""
        return format_html('{}<br><span class="factos-summary">{}</span>', effect.name, effect.reactor)

    @admin.display(description=_("fact"))
    def fact(self, effect: Any) -> str:
        """Return the position of its fact, as a link to it."""
        return _link(effect.shown.fact_url, f"#{effect.position}")

    @admin.display(description=_("state"))
    def state_in_words(self, effect: Any) -> str:
        """Return its state, with a mark."""
        return format_html(
            '<span class="factos-state factos-state-{}"><span aria-hidden="true">{}</span> {}</span>',
            effect.state,
            effect.shown.mark,
            effect.shown.state,
        )

    @admin.display(description=_("next try"))
    def next_try(self, effect: Any) -> str | None:
        """Return when it is tried, or looked after, next."""
        return _moment(effect.shown.next_try)

    @admin.display(description=_("finished at"))
    def finished(self, effect: Any) -> str | None:
        """Return when it was done, died or was dropped."""
        return _moment(effect.finished_at)

    @admin.display(description=_("ordering key"))
    def ordering_link(self, effect: Any) -> str | None:
        """Return its ordering key, as a link in this list to all that have it."""
        if effect.ordering_key is None:
            return None
        return _link("?" + urlencode({"ordering_key": effect.ordering_key}), effect.ordering_key)

    @admin.display(description=_("error"))
    def error_line(self, effect: Any) -> str:
        """Return what went wrong last, in one line."""
        return format_html('<span class="factos-summary">{}</span>', effect.shown.error)

    # Addresses

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of what is done about one effect, and those of Django."""
        names = {step: f"factos_effect_{step.name.replace('-', '_')}" for step in STEPS}
        own = [
            path(
                f"<path:object_id>/{step.name}/",
                self.admin_site.admin_view(self.steering_view),
                {"step": step},
                name=name,
            )
            for step, name in names.items()
        ]
        return [*own, *super().get_urls()]

    def address(self, page: str, *args: Any) -> str:
        """Return the address of a page of this app (``effect_change``), in this site."""
        return reverse(f"admin:{self.opts.app_label}_{page}", args=args, current_app=self.admin_site.name)

    def fact_url(self, position: int) -> str:
        """Return the address of the page of a fact; empty in a site that shows no facts."""
        try:
            return self.address("event_change", position)
        except NoReverseMatch:
            return ""

    # The page of one

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show all that is known of one effect. Nothing can be posted to it."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        row = self._row(request, object_id)
        return self._missing(request, object_id) if row is None else effect_page(self, request, row)

    def steering_view(self, request: HttpRequest, object_id: str, step: Step) -> HttpResponse:
        """Ask before ``step`` is done about one effect; do it when that is posted."""
        if not getattr(self, f"has_{step.permission}_permission")(request):
            raise PermissionDenied
        row = self._row(request, object_id)
        return self._missing(request, object_id) if row is None else steering_page(self, request, row, step)

    def _row(self, request: HttpRequest, object_id: str) -> Effect | None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        number = number_of(unquote(object_id))
        return None if number is None else self.get_queryset(request).filter(pk=number).first()

    def _missing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.message_user(request, no_effect(unquote(object_id)[:60]), messages.WARNING)
        return HttpResponseRedirect(self.address("effect_changelist"))

    # Several of a page of the list

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """Return what the user may do about several effects: what is named here, and no action of the site.

        Among those of the site is Django's own, which deletes.
        """
        known = {each if isinstance(each, str) else each.__name__ for each in self.actions or ()}
        actions: dict[str, Any] = super().get_actions(request, **_where(action_location))
        return {name: told for name, told in actions.items() if name in known}

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], action_location: Any = None
    ) -> HttpResponse | None:
        """Do what was chosen about rows of one page; refuse more of them, and what is no row."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if len(chosen) > self.list_per_page or None in map(number_of, chosen):
            said = gettext("Choose up to %(most)d effects of one page. Nothing was changed.")
            self.message_user(request, said % {"most": self.list_per_page}, messages.ERROR)
            return None
        return super().response_action(request, queryset, **_where(action_location))

    @admin.action(permissions=["retry"], description=_("Try selected %(verbose_name_plural)s again"))
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Have them tried again, in the order of ids."""
        question = gettext("Each of these is due at once, for one attempt more under its key.")
        return steer_selected(self, request, _chosen(queryset), RETRY, "retry_selected", question)

    @admin.action(permissions=["drop"], description=_("Drop selected %(verbose_name_plural)s"))
    def drop_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Give them up, in the order of ids."""
        question = gettext("None of these will be delivered. What waits for them goes on.")
        return steer_selected(self, request, _chosen(queryset), DROP, "drop_selected", question)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else shown_moment(moment)


def _link(url: str, text: str) -> str:
    return format_html('<a href="{}">{}</a>', url, text) if url else text


def _where(action_location: Any) -> dict[str, Any]:
    """Return the argument that Django has since 6.1."""
    return {} if action_location is None else {"action_location": action_location}


def _chosen(queryset: QuerySet[Any]) -> list[Effect]:
    return list(queryset.defer("data", "traceback").order_by("pk"))
