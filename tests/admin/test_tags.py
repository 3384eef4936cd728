"""Tags in the admin: the list of them, and the history of one."""

from __future__ import annotations

from html import unescape

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import path, reverse

from factos_django import Proposed
from factos_django.admin import EventAdmin, TagAdmin
from factos_django.admin.quoting import quoted
from factos_django.models import Event, Tag
from factos_django.store import append
from factos_django.testing.contract import Counted
from tests.admin.clients import staff_client
from tests.guards.facts import noted
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])

LIST = "/admin/factos/tag/"
ODD = [
    "a/b/change/", "it's", 'say "x"', "ümläut ß 漢字", "<script>alert(1)</script>", "a?b&c=d#e", "_2F", " x ",
    "a\\b%", "add", "x" * 255, ".", "..", "_2E",
]  # fmt: skip


class DeskTags(TagAdmin):
    """TagAdmin of a project."""

    list_per_page = 2


desk = AdminSite(name="desk")
desk.register(Tag, DeskTags)
desk.register(Event, EventAdmin)

urlpatterns = [path("admin/", admin.site.urls), path("desk/", desk.urls)]


def page_of(tag):
    return reverse("admin:factos_tag_change", args=[quoted(tag)])


def shown(response):
    return [event.position for event in response.context["history"].events]


def test_tags_are_listed_once_in_order_by_prefix_and_page(root, store):
    append([noted("x", f"order:{number:03}", "buyer:renata") for number in range(60)], using=store.using)
    page = root.get(LIST)
    values = [tag.value for tag in page.context["tags"]]
    assert values == ["buyer:renata", *(f"order:{number:03}" for number in range(49))]
    with CaptureQueriesContext(connections[store.using]) as statements:
        rest = root.get(LIST + page.context["next_url"])
    assert len([each for each in statements if "factos_tag" in each["sql"]]) <= 2
    assert [tag.value for tag in rest.context["tags"]] == [f"order:{number:03}" for number in range(49, 60)]
    assert rest.context["next_url"] is None
    found = root.get(LIST, {"q": "order:05"})
    assert [tag.value for tag in found.context["tags"]] == [f"order:05{number}" for number in range(10)]
    for none in ("order:9", "x\x00", "x" * 300, b"\xff\xfe"):
        answer = root.get(LIST, {"q": none})
        assert (answer.status_code, answer.context["tags"]) == (200, ())


def test_any_tag_has_its_page_and_stays_text(root, store):
    append([noted("x", *ODD)], using=store.using)
    listed = root.get(LIST).content.decode()
    assert "<script>alert" not in listed
    for tag in ODD:
        assert f'href="{page_of(tag)}"' in unescape(listed)
        page = root.get(page_of(tag))
        assert (page.status_code, len(page.context["history"].events)) == (200, 1)
        assert tag in unescape(page.content.decode())
        assert "<script>alert" not in page.content.decode()
        assert not {".", ".."} & set(page_of(tag).split("/"))  # browsers take these for directions


def test_what_no_fact_carries_has_a_page_that_says_so(root, store):
    append([noted("x", "order:10")], using=store.using)
    for tag in ("order:1", "x" * 300, "a\x01", "<script>alert(1)</script>"):
        page = root.get(page_of(tag))
        assert page.status_code == 404
        assert "No fact carries this tag." in page.content.decode()
        assert "<script>alert" not in page.content.decode()


def test_a_history_is_read_in_pages_in_both_orders(root, store):
    recorded = append([noted(str(number), "a") for number in range(120)], using=store.using)
    positions = [each.position for each in recorded]
    address = page_of("a")
    for order, expected in (("", positions), ("newest", positions[::-1])):
        first = root.get(address, {"order": order})
        history = first.context["history"]
        assert shown(first) == expected[:50]
        assert history.previous_url is None
        second = root.get(address + history.next_url)
        third = root.get(address + second.context["history"].next_url)
        assert shown(second) + shown(third) == expected[50:]
        assert third.context["history"].next_url is None
        assert shown(root.get(address + third.context["history"].previous_url)) == expected[50:100]
        assert shown(root.get(address + third.context["history"].first_url)) == expected[:50]
        assert shown(root.get(address + history.other_order_url))[0] == expected[-1]
    for wrong in ({"after": "x"}, {"before": "9" * 40}, {"type": "no name"}, {"type": "\x00"}):
        assert root.get(address, wrong).headers["Location"] == address


def test_a_history_shows_facts_their_other_tags_and_those_that_stand_beside_it(root, store):
    facts = [noted("first <b>", "a", "b", "c"), Proposed(Counted(1), tags=("b", "a")), noted("no", "b")]
    recorded = append(facts, using=store.using)
    page = root.get(page_of("a"))
    text, history = page.content.decode(), page.context["history"]
    assert "first &lt;b&gt;" in text
    assert f'href="/admin/factos/event/{recorded[0].position}/change/"' in text
    assert [(each.link.value, each.count) for each in history.related] == [("b", 2), ("c", 1)]
    assert text.count(f'href="{page_of("b")}"') == 3
    assert '<a class="factos-tag" href="{}">a</a>'.format(page_of("a")) not in text
    assert 'href="/admin/factos/event/?tag=a"' in text
    chosen = {each.name: each for each in history.types}
    narrowed = root.get(page_of("a") + chosen["factos.contract.Counted"].url)
    assert shown(narrowed) == [recorded[1].position]
    assert 'aria-current="true">factos.contract.Counted<' in narrowed.content.decode()
    empty = root.get(page_of("a"), {"type": "Unheard.Of"})
    assert (empty.status_code, shown(empty)) == (200, [])


def test_each_part_of_a_history_needs_its_permission(on_store, store):
    append([noted("secret", "a", "b")], using=store.using)
    nobody = staff_client("nobody", "view_event", "view_event_data")
    assert nobody.get(LIST).status_code == nobody.get(page_of("a")).status_code == 403
    tags = staff_client("tags", "view_tag")
    assert tags.get(LIST).status_code == 200
    page = tags.get(page_of("a"))
    assert page.status_code == 200
    assert "history" not in page.context
    assert page_of("b") not in page.content.decode()
    assert tags.get(page_of("z")).status_code == 404
    facts = staff_client("facts", "view_tag", "view_event").get(page_of("a")).content.decode()
    assert "factos.contract.Noted" in facts
    assert "secret" not in facts
    data = staff_client("data", "view_tag", "view_event", "view_event_data").get(page_of("a"))
    assert "secret" in data.content.decode()


def test_nothing_is_posted_to_tags(root, store):
    append([noted("x", "a")], using=store.using)
    for address in (LIST, page_of("a"), f"{LIST}complete/", f"{LIST}add/", f"{LIST}1/delete/"):
        assert root.post(address).status_code == 403


def test_a_fact_above_the_head_is_marked(root, store, session):
    if store.guard != "tags":
        pytest.skip("elsewhere an open append keeps others out")
    other = session("other")
    other.begin()
    other.run(append, [noted("open", "b")], using=store.using)
    append([noted("x", "a")], using=store.using)
    assert "not yet followed" in root.get(page_of("a")).content.decode()
    other.commit()
    assert "not yet followed" not in root.get(page_of("a")).content.decode()


def test_the_statements_of_a_history_are_few(root, store):
    append([noted(str(number), "a", f"b:{number}", "c") for number in range(300)], using=store.using)
    with CaptureQueriesContext(connections[store.using]) as statements:
        root.get(page_of("a"))
    log = [each["sql"] for each in statements if "factos_" in each["sql"]]
    assert len(log) <= 8


def test_a_subclass_in_another_site_links_to_its_own_pages(root, store, settings):
    settings.ROOT_URLCONF = __name__
    append([noted("x", "a", "b", "c")], using=store.using)
    listed = root.get("/desk/factos/tag/").content.decode()
    history = root.get("/desk/factos/tag/a/change/").content.decode()
    explorer = root.get("/desk/factos/event/explorer/?tags-1=a").content.decode()
    assert 'href="/desk/factos/tag/b/change/"' in listed
    assert 'href="?after=b"' in listed
    assert 'href="/desk/factos/event/explorer/?tags-1=a"' in history
    assert 'data-complete="/desk/factos/tag/complete/"' in explorer
    for page in (listed, history, explorer):
        assert "/admin/factos/" not in page
