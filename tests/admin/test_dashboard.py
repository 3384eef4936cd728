"""The dashboard: where the log, its projections and its effects stand, for whoever may know."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin import AdminSite
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from factos_django.admin import EventAdmin
from factos_django.models import Event, ParkedEvent, ProjectionRun, ProjectionState
from factos_django.projections.failures import Failure
from factos_django.projections.states import ensure_states, stop
from factos_django.registry import PROJECTIONS
from factos_django.status import health
from factos_django.store import append
from factos_django.workers.leases import this_worker
from tests.admin.clients import staff_client
from tests.effects.outboxes import dead, finished, notified
from tests.guards.sessions import Session
from tests.ledger.domain import Deposited, Transferred
from tests.ledger.factos import entries, followed_entries, turnovers
from tests.stores import Store, on_databases

PAGE = "/admin/factos/event/dashboard/"
MARKUP = "<script>alert(1)</script>"

all_stores = on_databases(also=["default"])
one_store = on_databases("default")

#: Another admin site, which shows events alone.
site = AdminSite(name="watch")
site.register(Event, EventAdmin)
urlpatterns = [path("watch/", site.urls)]


@pytest.fixture(autouse=True)
def known(on_store: Store) -> None:
    using = on_store.using
    ensure_states([each for each in PROJECTIONS if each.takes_part(using)], using)
    ProjectionState.objects.using(using).update(position=10**9)


def text_of(client: Client, address: str = PAGE) -> str:
    """The words of the page, without markup and with single spaces."""
    return words(client.get(address).content.decode())


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition('<div id="content-main"')[2]).split())


def fail(using: str) -> None:
    stop(entries, Failure(3, uuid4(), f"ValueError: {MARKUP}", ""), using)


@all_stores
def test_all_is_well(root: Client, store: Store) -> None:
    assert "No fact was recorded in this time." in text_of(root)
    append([Deposited("a", 1)], using=store.using)
    last = Event.objects.using(store.using).latest("position").position
    text = text_of(root)
    assert "All is well." in text
    assert f"Stable head #{last} Highest position #{last} Facts 1 Nothing holds the head back." in text
    assert "pending 0 running 0 done 0 dead 0 dropped 0 Oldest due none is due" in text
    assert "ledger.balances inline running – – –" in text
    assert "ledger.turnovers async running #1000000000 – –" in text
    assert "1 fact in all, at most 1 in a minute." in text
    assert re.search(rf"Read at \d\d:\d\d:\d\d from the database “{store.using}”. Read again", text)


@all_stores
def test_whatever_is_wrong_is_said_and_linked(root: Client, store: Store) -> None:
    using = store.using
    append([Transferred("a", "b", 1)] * 2, using=using)
    states = ProjectionState.objects.using(using)
    states.filter(pk=turnovers.name).update(position=0, version=9)
    fail(using)
    dead(using)
    notified(using)
    ParkedEvent.objects.using(using).create(
        projection=turnovers.name, position=1, error="", parked_at=datetime.now(UTC)
    )
    hour = datetime.now(UTC) + timedelta(hours=1)
    ProjectionRun.objects.using(using).create(
        projection=followed_entries.name, worker=this_worker(), leased_until=hour, position=5, head=9
    )
    states.create(name="old.sales", version=1, query_digest="")
    html = root.get(PAGE).content.decode()
    text = words(html)
    assert "3 problems" in text
    assert len(health(using, max_dead=0).problems) == 3
    stopped = "/admin/factos/projectionstate/ledger.entries/change/"
    assert html.count(f'<a href="{stopped}">') == 2
    assert "ledger.turnovers needs a rebuild." in text
    assert "1 effect is dead." in text
    assert '<a href="/admin/factos/effect/?state=dead">' in html
    assert '<a href="/admin/factos/event/3/change/">#3</a>' in html
    assert re.search(
        r"ledger.turnovers async running needs a rebuild Went on without 1 fact. #0 2 \d+ s", text
    )
    assert "A rebuild goes on, at #5 of #9." in text
    assert re.search(r"pending 1 running 0 done 0 dead 1 .* Oldest due for \d+ s First dead since 20", text)
    assert "No longer registered: old.sales" in text
    assert MARKUP not in html
    assert "ValueError: &lt;script&gt;alert(1)&lt;/script&gt;" in html


@all_stores
def test_what_a_user_may_not_view_is_neither_shown_nor_asked_for(on_store: Store, store: Store) -> None:
    tables = {
        "view_event": ("Log", ["factos_event"]),
        "view_projectionstate": ("Projections", ["factos_projection", "factos_parked"]),
        "view_effect": ("Effects", ["factos_effect"]),
    }
    for permission, (heading, _) in tables.items():
        client = staff_client(f"only {permission}", permission)
        with CaptureQueriesContext(connections[store.using]) as asked:
            html = client.get(PAGE).content.decode()
        assert f">{heading}</h2>" in html
        for other, (unseen, unasked) in tables.items():
            if other != permission:
                assert f">{unseen}</h2>" not in html
                sql = "\n".join(each["sql"] for each in asked)
                needed = ["factos_event"] if permission == "view_projectionstate" else []  # for their lag
                assert [each for each in unasked if each not in needed and each in sql] == []
    nobody = staff_client("nobody", "view_tag", "view_event_data")
    assert nobody.get(PAGE).status_code == 403


@one_store
def test_the_page_is_read_only_and_for_staff(root: Client, store: Store) -> None:
    assert root.post(PAGE).status_code == 403
    assert Client().get(PAGE).status_code == 302


@one_store
def test_errors_are_quoted_for_who_may_see_the_data_of_facts(on_store: Store, store: Store) -> None:
    fail(store.using)
    views = ("view_event", "view_projectionstate", "view_effect")
    text = text_of(staff_client("reader", *views))
    assert "ledger.entries has stopped at #3." in text
    assert "Failed at #3 , since" in text
    assert "ValueError" not in text
    assert text_of(staff_client("trusted", "view_event_data", *views)).count("ValueError") == 2


@on_databases("postgres", also=["default"])
def test_who_holds_the_head_back_is_said_and_its_statement_only_to_who_may_see_data(
    root: Client, store: Store, settings: Any
) -> None:
    if store.guard != "tags":
        pytest.skip("under this guard the others wait")
    session = Session(store.using, "holder")
    try:
        session.begin()
        session.run(append, [Deposited("held", 1)], using=store.using)
        append([Deposited("other", 1)], using=store.using)
        text = text_of(root)
        assert (
            f"The head is held back. Facts above it are recorded, and not yet followed. By pid {session.pid}"
            in text
        )
        assert "It is idle in transaction Its statement" in text
        assert "All is well." in text
        assert "Its statement" not in text_of(staff_client("reader", "view_event"))
        settings.FACTOS_MAX_HELD_SECONDS = 1e-6
        text = text_of(root)
        assert "1 problem" in text
        assert f"by pid {session.pid}: its append is open." in text
    finally:
        session.close()


@all_stores
def test_the_page_asks_as_much_of_a_thousand_rows_as_of_one(root: Client, store: Store) -> None:
    append([Transferred("a", "b", 1)], using=store.using)
    root.get(PAGE)
    with CaptureQueriesContext(connections[store.using]) as few:
        root.get(PAGE)
    append([Transferred("a", "b", 1)] * 999, using=store.using)
    finished(store.using, 1_100, timedelta(days=1))
    ProjectionState.objects.using(store.using).update(position=0)
    with CaptureQueriesContext(connections[store.using]) as many:
        text = text_of(root)
    assert len(many) < len(few) + 15  # minutes of a busy log are looked up
    assert "done 1,000+" in text
    assert "1,000 facts in all, at most 1,000 in a minute." in text
    assert "So many that positions were counted" in text


@one_store
def test_bars_are_drawn_in_numbers_of_no_locale_and_told_in_a_table(
    root: Client, store: Store, settings: Any
) -> None:
    settings.LANGUAGE_CODE, settings.USE_THOUSAND_SEPARATOR = "de", True
    append([Deposited("a", 1)] * 1_200, using=store.using)
    html = root.get(PAGE).content.decode()
    rects = re.findall(r'<rect class="factos-bar[^>]*x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)">', html)
    assert len(rects) == 30
    heights = [int(height) for *_, height in rects]
    assert max(heights) == 100
    assert all(int(y) + int(height) == 100 for _, y, _, height in rects)
    assert html.count("<time datetime=") == 30
    assert '<td class="factos-number">1.200</td>' in html
    assert 'role="img" aria-label="' in html


@pytest.mark.urls("tests.admin.test_dashboard")
@one_store
def test_it_works_in_another_site_and_links_nothing_that_is_not_there(root: Client, store: Store) -> None:
    fail(store.using)
    dead(store.using)
    html = root.get("/watch/factos/event/dashboard/").content.decode()
    assert "ledger.entries has stopped at #3" in html
    assert '<a href="/watch/factos/event/3/change/">#3</a>' in html
    assert '<a href="/watch/factos/event/dashboard/">Read again</a>' in html
    assert "/admin/" not in html.partition('<div id="content-main"')[2].partition("</main>")[0]


@one_store
def test_the_index_of_the_app_leads_to_the_pages_that_are_no_lists(on_store: Store, store: Store) -> None:
    for permission in ("view_event", "view_projectionstate", "view_effect"):
        page = staff_client(permission, permission).get("/admin/factos/").content.decode()
        assert f'<a href="{PAGE}">' in page
        assert ("/explorer/" in page) == (permission == "view_event" and "factos_explorer" in names())
    assert PAGE not in staff_client("tags", "view_tag").get("/admin/factos/").content.decode()


def names() -> set[str | None]:
    from django.contrib.admin import site

    return {pattern.name for pattern in site._registry[Event].get_urls()}
