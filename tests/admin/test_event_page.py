"""The page of one fact in the admin."""

from __future__ import annotations

import json
import re
from functools import partial
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from demo_project.ticketing.domain import (
    BuyTicket,
    ConferenceOpened,
    TicketSold,
    sale_context,
    sale_facts,
    ticket_sales,
)
from factos_django import Proposed
from factos_django.admin import EventAdmin
from factos_django.admin.events.touched_rows import Touched
from factos_django.dispatch import dispatch
from factos_django.models import Event
from factos_django.projections import catch_up
from factos_django.projections.keyed import KeyedRows
from factos_django.store import append
from factos_django.testing.contract import Noted
from tests.admin.clients import staff_client
from tests.ledger.domain import Deposited, Transferred
from tests.rest.stored import store_row
from tests.stores import on_databases

MARKUP = "</pre><script>alert(1)</script>"

everywhere = on_databases(also=["default"])
on_sqlite = on_databases("default", also=["default"])


def bought(buyer: str, using: str, **metadata: Any) -> Any:
    """A ticket that was decided upon, of a conference with room for two."""
    command = BuyTicket("gleamconf", buyer)
    sale = dispatch(command, decider=ticket_sales, query=sale_context, metadata=metadata, using=using)
    return sale.events[0]


def page(client: Client, position: int, **parameters: Any) -> Any:
    answer = client.get(f"/admin/factos/event/{position}/change/", parameters)
    assert answer.status_code == 200, answer.headers
    return answer


def words(answer: Any) -> str:
    """What somebody reads on it."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", answer.content.decode())).split())


def touched(answer: Any) -> dict[str, Touched]:
    """What the fact touched, by the names of projections."""
    return {each.projection.name: each for each in answer.context["touched"].projections}


@everywhere
def test_the_page_of_a_sale_tells_its_story(root, store):
    using = store.using
    append([ConferenceOpened("gleamconf", 2), ConferenceOpened("other", 9)], using=using)
    first = bought("ada", using)
    second = bought("renata", using, actor="7", correlation_id="order 1&2", causation_id=str(first.id))
    later = append([Noted("later", "x")], using=using)[0]

    answer = page(root, second.position)
    text, html = words(answer), answer.content.decode()
    assert f"Older: #{first.position} TicketSold" in text
    assert f"Newer: #{later.position} factos.contract.Noted" in text
    assert "Actor 7" in text
    assert str(second.id) in text
    assert timezone.localtime(second.recorded_at).strftime("%Y-%m-%d %H:%M:%S") in text
    assert "/admin/factos/tag/buyer_3Arenata/change/" in html
    assert "?correlation_id=order%201%262" in html

    decision = answer.context["decision"]
    assert [event.type for event in decision.events] == ["TicketSold", "ConferenceOpened"]
    assert "events of type ConferenceOpened or TicketSold that carry the tag event:gleamconf" in text
    assert f"up to position #{decision.position}" in text

    causes = answer.context["causes"]
    assert (causes.parent.position, causes.children) == (first.position, [])
    assert [event.position for event in page(root, first.position).context["causes"].children] == [
        second.position
    ]

    (effect,) = answer.context["effects"].effects
    assert (effect.name, effect.state) == ("ticketing.AnnounceTicketSale", "pending")
    assert f"/admin/factos/effect/{effect.pk}/change/" in html

    by_name = touched(answer)
    (sales,) = by_name["ticketing.sales"].rows
    assert (sales.key, dict(sales.values), sales.is_folded) == (
        "gleamconf",
        {"capacity": 2, "sold": 2},
        True,
    )
    (hour,) = by_name["ticketing.sales_by_hour"].rows
    assert (hour.is_there, hour.values) == (False, ())
    catch_up("ticketing.sales_by_hour", using=using)
    by_name = touched(page(root, second.position))
    (hour,) = by_name["ticketing.sales_by_hour"].rows
    assert (hour.is_folded, dict(hour.values)) == (True, {"sold": 2})
    assert not by_name["ticketing.sales_by_hour"].is_behind

    names: dict[str, Any] = {
        "command": BuyTicket("gleamconf", "renata"),
        "decider": ticket_sales,
        "query": sale_context,
    }
    exec(answer.context["test"], names)
    names[f"test_the_decision_behind_event_{second.position}"]()


@everywhere
def test_the_page_asks_the_databases_a_bounded_number_of_times(root, store):
    using = store.using
    append([ConferenceOpened("gleamconf", 100)], using=using)
    first = bought("ada", using)
    page(root, first.position)
    with CaptureQueriesContext(connections[using]) as few:
        page(root, first.position)
    added = {"tags": [f"tag:{number}" for number in range(20)], "metadata": {"causation_id": str(first.id)}}
    append([Proposed(TicketSold("gleamconf", f"b{number}"), **added) for number in range(30)], using=using)
    last = bought("renata", using)
    with CaptureQueriesContext(connections[using]) as many:
        answer = page(root, first.position)
    with CaptureQueriesContext(connections[using]) as others:
        page(root, last.position)
    assert len(answer.context["causes"].children) == 20
    assert len(few) <= 30
    assert max(len(many), len(others)) <= len(few)
    asked = [each["sql"] for each in (*many.captured_queries, *others.captured_queries)]
    assert not any(word in sql.replace("OFFSET 0", "") for sql in asked for word in ("OFFSET", "COUNT(*)"))


@everywhere
def test_children_are_read_page_by_page(root, store):
    (parent,) = append([Noted("a", "x")], using=store.using)
    cause = {"causation_id": str(parent.id)}
    children = append(
        [Proposed(Noted(str(number), "x"), metadata=cause) for number in range(23)], using=store.using
    )
    answer = page(root, parent.position)
    after = re.search(r"\?children_after=(\d+)", answer.content.decode())
    assert after is not None
    rest = page(root, parent.position, children_after=after[1]).context["causes"]
    seen = [event.position for event in [*answer.context["causes"].children, *rest.children]]
    assert seen == [child.position for child in children]
    assert rest.more_after is None


@everywhere
def test_a_fact_above_the_head_says_so(root, store, session):
    if store.guard != "tags":
        (last,) = append([Noted("a", "x")], using=store.using)
        assert "not yet followed" not in words(page(root, last.position))
        return
    other = session("a")
    other.begin()
    other.run(append, [Noted("held")], using=store.using)
    (last,) = append([Noted("a")], using=store.using)
    text = words(page(root, last.position))
    assert "not yet followed" in text
    assert "holds the head" in text
    other.rollback()
    assert "not yet followed" not in words(page(root, last.position))


@on_sqlite
def test_there_is_no_page_where_there_is_no_fact(root, store):
    for path in ("0", "999", "9223372036854775807", "99999999999999999999", "abc", "_3Cb_3E"):
        answer = root.get(f"/admin/factos/event/{path}/change/", follow=True)
        assert answer.redirect_chain == [("/admin/factos/event/", 302)]
        assert "There is no event at" in words(answer)


@on_sqlite
def test_nothing_can_be_posted_to_it(root, store):
    (recorded,) = append([Noted("a", "x")])
    for data in ({}, {"type": "other"}, {"_saveasnew": "1"}, {"_popup": "1"}):
        assert root.post(f"/admin/factos/event/{recorded.position}/change/", data).status_code == 403
    assert root.get(f"/admin/factos/event/{recorded.position}/change/?_popup=1").status_code == 200


@everywhere
def test_each_part_has_its_permission(on_store):
    using = on_store.using
    append([ConferenceOpened("gleamconf", 2)], using=using)
    sold = bought("secret-buyer", using)
    assert staff_client("nobody").get(f"/admin/factos/event/{sold.position}/change/").status_code == 403
    plain = page(staff_client("plain", "view_event"), sold.position)
    assert "You are not allowed to see the data of events." in words(plain)
    for absent in ("effects", "touched", "test", "data"):
        assert not plain.context[absent]
    html = plain.content.decode()
    told = html.replace("buyer:secret-buyer", "").replace("buyer_3Asecret-buyer", "")
    assert "secret-buyer" not in told  # the tag alone says it

    more = page(staff_client("more", "view_event", "view_effect", "view_projectionstate"), sold.position)
    told = more.content.decode().replace("buyer:secret-buyer", "").replace("buyer_3Asecret-buyer", "")
    assert "secret-buyer" not in told
    rows = touched(more)["ticketing.sales"].rows
    assert [(row.key, row.values, row.is_folded) for row in rows] == [("", (), True)]
    assert "ticketing.AnnounceTicketSale" in told
    assert "Last error" not in told
    assert "secret-buyer" in words(page(staff_client("all", "view_event", "view_event_data"), sold.position))


@everywhere
def test_facts_that_no_code_knows_are_shown_all_the_same(root, store):
    gone = store_row(store.using, type="gone", data='{"a": 1}', metadata={"causation_id": "order 7"})
    text = words(page(root, gone))
    assert "a: 1" in text
    assert "A plain append: no decision is stored." in text
    assert "order 7 which is no event of this log" in text
    misfit = store_row(store.using, type="TicketSold", data='{"conference": 1}', tags=["event:x"])
    text = words(page(root, misfit))
    assert "This code cannot read the event, so nobody can tell which rows: DecodeError" in text


@on_sqlite
def test_stored_text_that_is_no_json_does_not_break_the_page(root, store):
    with connections[store.using].cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        position = store_row(store.using, type="TicketSold", data='{"conference": <script>')
        fields = ("metadata", "tags", "decision")
        texts = {field: f'{{"{field}": <script>' for field in fields}
        cursor.execute(
            "INSERT INTO factos_event (id, type, version, data, metadata, tags, decision, recorded_at) "
            "VALUES (%s, 'TicketSold', 1, 'x', %s, %s, %s, '2026-01-01 00:00:00')",
            [uuid4().hex, *(texts[field] for field in fields)],
        )
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    text = words(page(root, position))
    assert "This is no JSON, so somebody has changed the stored row." in text
    worse = page(root, position + 1)
    assert "What is stored of the decision is no query and position" in words(worse)
    assert "The stored tags are no JSON." in words(worse)
    assert "<script>" not in re.sub("<script src[^>]*>", "", worse.content.decode())
    assert root.get("/admin/factos/event/").status_code == 200


@on_sqlite
@pytest.mark.parametrize(
    "tags", ['["order:1", "", "\\u0000", "."]', '["order:1", 7, null]', '"order:1"', '{"order:1": 1}', "null"]
)
def test_stored_tags_that_are_none_break_no_page(root, store, tags):
    with connections[store.using].cursor() as cursor:
        cursor.execute(
            "INSERT INTO factos_event (id, type, version, data, metadata, tags, recorded_at) "
            "VALUES (%s, 'TicketSold', 1, '{}', '{}', %s, '2026-01-01 00:00:00') RETURNING position",
            [uuid4().hex, tags],
        )
        (position,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO factos_tag (event_id, value, type) VALUES (%s, 'order:1', 'TicketSold')", [position]
        )
    assert page(root, position).status_code == 200
    for path in ("/admin/factos/tag/order_3A1/change/", "/admin/factos/event/"):
        assert root.get(path).status_code == 200


@on_sqlite
def test_a_decision_that_somebody_changed_is_shown_as_text(root, store):
    everything = {"all": True}
    changed = [{}, [], 1, {"query": {"items": [{}]}, "position": 1}, {"query": everything, "position": -1}]
    for decision in changed:
        with connections[store.using].cursor() as cursor:
            cursor.execute(
                "INSERT INTO factos_event (id, type, version, data, metadata, tags, decision, recorded_at) "
                "VALUES (%s, 't', 1, '{}', '{}', '[]', %s, '2026-01-01 00:00:00') RETURNING position",
                [uuid4().hex, json.dumps(decision)],
            )
            position = cursor.fetchone()[0]
        assert not page(root, position).context["decision"].is_readable


@on_sqlite
def test_markup_stays_text_wherever_it_stands(root, store, settings):
    settings.FACTOS_API_UNREGISTERED_TYPES = True
    metadata = dict.fromkeys(("actor", "correlation_id", "causation_id", "operation_id", MARKUP), MARKUP)
    event = TicketSold("gleamconf", MARKUP)
    append([ConferenceOpened("gleamconf", 2), Proposed(event, tags=[MARKUP], metadata=metadata)])
    sold = bought(MARKUP, store.using, **metadata)
    answer = page(root, sold.position)
    html = re.sub(r'<script src="[^"<>]*"[^<>]*>', "", answer.content.decode())
    assert "<script" not in re.sub(r'<script id="[^"<>]*" src="[^"<>]*"[^<>]*>', "", html)
    assert "</pre><" not in html.replace("</pre></details>", "")
    assert f"#{sold.position}" in words(answer)


@on_sqlite
def test_code_of_the_application_that_fails_is_told_and_breaks_nothing(root, store, monkeypatch):
    (moved,) = append([Transferred("a", "b", 5)])
    append([Deposited("a", 1)])

    def fails(recorded):
        raise RuntimeError(f"no key for {recorded.event.payer} {MARKUP}")

    def none(recorded):
        return []

    keys = {"ledger.balances": fails, "ledger.followed_balances": none}
    told = KeyedRows.keys

    def replaced(self, fact):
        return keys.get(self.shape.name, partial(told, self))(fact)

    monkeypatch.setattr(KeyedRows, "keys", replaced)
    text = words(page(root, moved.position))
    assert f"Its rows cannot be told: RuntimeError: no key for a {MARKUP}" in text
    assert "It touched no row of it." in text
    assert "Its rows are written by a function, so nobody can tell which ones." in text


@on_sqlite
def test_long_decisions_say_that_there_is_more(root, store):
    append([ConferenceOpened("gleamconf", 100), *(TicketSold("gleamconf", f"b{n}") for n in range(60))])
    sold = bought("renata", store.using)
    answer = page(root, sold.position)
    decision = answer.context["decision"]
    assert (len(decision.events), decision.is_all) == (50, False)
    assert "It saw more: these are the newest." in words(answer)
    assert "# It saw more: these are the newest 50 facts." in answer.context["test"]
    assert decision.explorer.startswith("types-1=ConferenceOpened")
    assert sale_facts("gleamconf").items[0].tags[0] in unescape(decision.words)


@everywhere
def test_an_error_of_the_database_in_such_code_leaves_the_request_its_transaction(root, store, monkeypatch):
    monkeypatch.setitem(connections[store.using].settings_dict, "ATOMIC_REQUESTS", True)
    (moved,) = append([Transferred("a", "b", 5)], using=store.using)

    def fails(self, fact):
        with connections[store.using].cursor() as cursor:
            cursor.execute("SELECT 1 FROM nowhere")

    monkeypatch.setattr(KeyedRows, "keys", fails)
    by_name = touched(page(root, moved.position))
    assert "Error" in by_name["ledger.balances"].error
    assert len(by_name) == 5


class MyEventAdmin(EventAdmin):
    """One that adds to the page."""

    change_form_template = "own.html"

    def event_context(self, request: Any, event: Event) -> dict[str, Any]:
        return {"weather": f"<fine> at #{event.position}"}


@on_sqlite
def test_a_subclass_on_a_site_of_its_own_adds_to_the_page(on_store, settings):
    own = (
        "{% extends 'admin/factos/event/change_form.html' %}"
        "{% block event_extra %}{{ weather }}{% endblock %}"
    )
    loaders = [
        ("django.template.loaders.locmem.Loader", {"own.html": own}),
        "django.template.loaders.app_directories.Loader",
    ]
    (engine,) = settings.TEMPLATES
    options = {**engine["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": options}]
    (recorded,) = append([Noted("a", "x")])
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("root")
    mine = MyEventAdmin(Event, AdminSite("own"))
    answer = mine.change_view(request, str(recorded.position), extra_context={"title": "Mine"}).render()
    assert f"&lt;fine&gt; at #{recorded.position}" in answer.content.decode()
    assert "<h1>Mine</h1>" in answer.content.decode()
