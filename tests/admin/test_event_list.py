"""The list of facts in the admin."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from types import ModuleType
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone

from factos_django.admin import EventAdmin, TagAdmin
from factos_django.core.event import Proposed
from factos_django.models import Event, Tag
from factos_django.store import append
from factos_django.testing.contract import Counted, Noted
from tests.admin.clients import staff_client
from tests.admin.pages import words_of
from tests.guards.sessions import Session
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])

EVENTS = "/admin/factos/event/"
ID = "0b6f4c1e-8f52-4a53-9d0e-2f1f7e9b1c11"


def positions(client: Client, address: str = "", **parameters) -> list[int]:
    answer = client.get(f"{EVENTS}{address}", parameters or None)
    assert answer.status_code == 200
    return [event.position for event in answer.context["cl"].result_list]


@contextmanager
def registered(admins):
    """Serves these admins on a site of their own, at /own/."""
    site = AdminSite(name="own")
    for model, admin in admins.items():
        site.register(model, admin)
    urls = ModuleType("own_urls")
    urls.urlpatterns = [path("own/", site.urls), path("", include("demo_project.urls"))]
    with override_settings(ROOT_URLCONF=urls):
        yield


@contextmanager
def statements(store):
    """Counts the statements in the log's database and in that of users, each once."""
    with ExitStack() as stack:
        aliases = {store.using, "default"}
        yield [stack.enter_context(CaptureQueriesContext(connections[alias])) for alias in aliases]


def test_the_newest_facts_come_first_and_pages_go_by_position(root, store):
    append([Noted(str(number)) for number in range(120)], using=store.using)
    page = root.get(EVENTS).context["cl"]
    first = [event.position for event in page.result_list]
    assert first == sorted(first, reverse=True)
    assert len(first) == 50
    assert page.newer_url is None
    older = root.get(f"{EVENTS}{page.older_url}").context["cl"]
    assert older.result_list[0].position == first[-1] - 1
    oldest = root.get(f"{EVENTS}{page.oldest_url}").context["cl"]
    assert oldest.older_url is None
    assert oldest.result_list[-1].position == first[0] - 119


@pytest.mark.parametrize("page", ["event", "tag", "projectionstate", "effect"])
def test_nobody_adds_anything(root, page):
    assert root.get(f"/admin/factos/{page}/").status_code == 200
    assert root.post(f"/admin/factos/{page}/add/").status_code == 403


def test_a_row_says_where_when_what_and_of_whom(root, store):
    events = [Proposed(Noted("<b>hi</b>"), tags=["order:a/b?c", "<script>alert(1)</script>"]), Counted(7)]
    recorded = append(events, using=store.using)
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        shown = recorded[0].recorded_at.astimezone(ZoneInfo("Asia/Tokyo"))
        html = root.get(EVENTS).content.decode()
        # A request has the time zone of the project, unless a middleware says otherwise.
        assert shown.strftime("%Y-%m-%d %H:%M:%S") in html
    first = recorded[0].position
    assert re.search(
        rf'<th class="field-place"><a href="/admin/factos/event/{first}/change/[^"]*">#{first}<', html
    )
    assert "not yet followed" not in html
    assert ">factos.contract.Noted<" in html
    assert '<a class="factos-tag" href="/admin/factos/tag/order_3Aa_2Fb_3Fc/change/">order:a/b?c</a>' in html
    assert "text: &lt;b&gt;hi&lt;/b&gt;" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</a>" in html
    assert "<script>alert" not in html
    assert "<b>hi" not in html
    assert "number: 7" in html


def test_it_is_for_those_who_may_view_events_and_data_are_for_those_who_may_see_them(on_store, store):
    append([Noted("very secret")], using=store.using)
    nobody, viewer = staff_client("nobody"), staff_client("viewer", "view_event")
    reader = staff_client("reader", "view_event", "view_event_data")
    assert nobody.get(EVENTS).status_code == 403
    assert nobody.get(EVENTS, {"q": "#1"}).status_code == 403
    said = viewer.get(EVENTS)
    assert b"very secret" not in said.content
    assert b"column-summary" not in said.content
    assert "very secret" in words_of(reader.get(EVENTS))
    assert viewer.post(EVENTS, {"action": "delete_selected"}).status_code == 403


def test_a_page_takes_a_dozen_statements_at_most_and_counts_nothing(root, store):
    some = [Proposed(Noted(str(n)), tags=["t:1", "t:2"], metadata={"correlation_id": ID}) for n in range(60)]
    first, *_ = append(some, using=store.using)
    *_, last = append([Counted(n) for n in range(3)], using=store.using)
    for address in (
        {},
        {"before": last.position},
        {"after": last.position},
        {"after": first.position},
        {"tag": ["t:1", "t:2"], "type": "factos.contract.Noted"},
        {"tag": ["t:1", "t:2"], "correlation_id": ID, "q": "tag:t:1"},
        {"q": ID},
        {"recorded_after": "2026-01-01", "tag": "t:1"},
    ):
        with statements(store) as captured:
            assert positions(root, **address)
        said = [each["sql"] for some in captured for each in some.captured_queries]
        assert len(said) <= 12, said
        assert not [sql for sql in said if re.search(r"OFFSET [1-9]", sql, re.IGNORECASE)]
        counts = [sql for sql in said if "count(*)" in sql.lower()]
        assert all("LIMIT" in sql for sql in counts), "no count without an end"


def test_what_keeps_facts_from_being_followed_is_told_above_them(root, store):
    append([Noted("before")], using=store.using)
    session = Session(store.using, "held")
    session.begin()
    session.run(append, [Noted("held")], using=store.using)
    try:
        if store.guard == "tags":
            *_, last = append([Noted("after")], using=store.using)
        answer = root.get(EVENTS)
        said = words_of(answer)
        if store.guard == "tags":
            assert f"#{last.position} not yet followed" in said
            assert "2 positions above it are not yet followed" in said
            assert f"Process{session.pid}" in said.replace(" ", "")
            assert "/admin/factos/projectionstate/" in answer.content.decode()
            # A statement can hold data, and is for those who may see them.
            viewer = words_of(staff_client("viewer", "view_event").get(EVENTS))
            assert "2 positions above it" in viewer
            assert "Statement" in said
            assert "Statement" not in viewer
            assert "What follows the log" not in viewer
        else:
            assert "not yet followed" not in said
    finally:
        session.close()
    after = words_of(root.get(EVENTS))
    assert "not yet followed" not in after


def test_an_admin_that_is_subclassed_and_registered_elsewhere_adds_a_column(root, store):
    recorded = append([Proposed(Noted("a"), tags=["t:1"])], using=store.using)

    class OwnAdmin(EventAdmin):
        list_display = (*EventAdmin.list_display, "version")

    class Completing(TagAdmin):
        def get_urls(self):
            return [path("complete/", self.changelist_view, name="factos_tag_complete"), *super().get_urls()]

    with registered({Event: OwnAdmin}):
        html = root.get("/own/factos/event/").content.decode()
        assert "column-version" in html
        assert "data-complete" not in html, "who completes tags is not there"
        assert '<span class="factos-tag">t:1</span>' in html
        assert f'href="/own/factos/event/{recorded[0].position}/change/' in html
        found = root.get("/own/factos/event/", {"q": f"#{recorded[0].position}"})
        assert found["Location"] == f"/own/factos/event/{recorded[0].position}/change/"
    with registered({Event: OwnAdmin, Tag: Completing}):
        html = root.get("/own/factos/event/").content.decode()
        assert 'data-complete="/own/factos/tag/complete/" list="factos-filter-tags"' in html
        assert 'href="/own/factos/tag/t_3A1/change/">t:1</a>' in html
        viewer = staff_client("viewer", "view_event").get("/own/factos/event/").content.decode()
        assert "data-complete" not in viewer


def test_other_ways_to_read_all_events_are_closed(root, store):
    append([Noted("a")], using=store.using)
    asked = {"app_label": "factos", "model_name": "tag", "field_name": "event", "term": ""}
    with statements(store) as captured:
        answer = root.get("/admin/autocomplete/", asked)
    assert answer.status_code in (403, 200)
    assert answer.status_code == 403 or answer.json()["results"] == []
    assert not [q for some in captured for q in some.captured_queries if "factos_event" in q["sql"]]
    assert root.get(EVENTS, {"data__text": "a"}).status_code == 400
    assert root.get(EVENTS, {"_popup": 1}).status_code == 200
    assert root.get(EVENTS, {"_to_field": "data"}).status_code == 400
    usual = root.get(EVENTS, {"p": 3, "all": "", "o": "1", "_facets": "True"})
    assert "Search for tag:VALUE" in words_of(usual)
    assert "Show counts" not in words_of(usual)
    assert "1 result" not in words_of(usual)
    assert User.objects.count() == 1
