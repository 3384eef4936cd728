"""The explorer: a query is built in a form, and looked at."""

from __future__ import annotations

from urllib.parse import urlencode

from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from factos_django import Proposed, Query, QueryItem
from factos_django.admin.explorer import explorer_query_string
from factos_django.core.event_types import EVENT_TYPES
from factos_django.store import append, head
from factos_django.testing.contract import Counted, Noted
from tests.admin.clients import staff_client
from tests.guards.facts import noted
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])

ADDRESS = "/admin/factos/event/explorer/"


def explored(client, query, **parameters):
    rest = f"&{urlencode(parameters)}" if parameters else ""
    return client.get(f"{ADDRESS}?{explorer_query_string(query)}{rest}")


def shown(response):
    return [event.position for event in response.context["found"].events]


def errors(response):
    assert response.status_code == 200
    assert "found" not in response.context
    return response.context["form"].errors


def test_a_query_of_several_items_is_shown_with_what_it_matches(root, store):
    facts = [noted("a <b>", "a", "b"), noted("no", "a"), Proposed(Counted(1), tags=("c",)), noted("no", "c")]
    recorded = append(facts, using=store.using)
    assert reverse("admin:factos_explorer") == ADDRESS
    query = Query.of(QueryItem(tags=["a", "b"]), QueryItem(types=[Counted], tags=["c"]))
    page = explored(root, query)
    assert shown(page) == [recorded[2].position, recorded[0].position]
    text = page.content.decode()
    assert "a &lt;b&gt;" in text
    assert "2 facts match." in text
    assert "Events that carry the tags a and b; or events of type" in text
    assert page.context["form"].offers_all_types
    boxes = dict(page.context["form"].items[1].types)
    assert (boxes["factos.contract.Counted"], boxes["factos.contract.Noted"]) == (True, False)
    assert len(shown(explored(root, Query.all()))) == 4
    bounded = explored(root, Query.all(), after=recorded[0].position, before=recorded[3].position)
    assert shown(bounded) == [recorded[2].position, recorded[1].position]
    nothing = root.get(f"{ADDRESS}?tags-1=&after=&before=")
    assert errors(nothing) == {}


def test_its_facts_are_read_in_pages_within_the_bounds(root, store):
    recorded = append([noted(str(number), "a") for number in range(130)], using=store.using)
    positions = [each.position for each in recorded][::-1]
    query = (
        f"{explorer_query_string(Query.of(QueryItem(tags=['a'])), before=positions[0])}&after={positions[-1]}"
    )
    within = positions[1:-1]
    first = root.get(f"{ADDRESS}?{query}")
    assert shown(first) == within[:50]
    assert "50+ facts match." in first.content.decode()
    second = root.get(ADDRESS + first.context["found"].places.older_url)
    third = root.get(ADDRESS + second.context["found"].places.older_url)
    assert shown(second) + shown(third) == within[50:]
    assert third.context["found"].places.older_url is None
    assert shown(root.get(ADDRESS + third.context["found"].places.newer_url)) == within[50:100]
    last = root.get(ADDRESS + first.context["found"].places.oldest_url)
    assert shown(last) == within[-50:]
    assert shown(root.get(ADDRESS + last.context["found"].places.newest_url)) == within[:50]
    middle = root.get(ADDRESS + last.context["found"].places.newer_url)
    assert shown(middle) == within[-100:-50]
    assert shown(root.get(ADDRESS + middle.context["found"].places.newer_url)) == within[:50]
    broken = root.get(f"{ADDRESS}?{query}&below=x")
    assert broken.status_code == 302
    assert shown(root.get(ADDRESS + broken.headers["Location"])) == within[:50]


def test_the_query_is_said_in_python_and_in_json(root, store):
    append([noted("x", "a", 'it\'s "q" \\ ü'), Proposed(Counted(1), tags=("b",))], using=store.using)
    query = Query.of(
        QueryItem(types=[Noted, "Unheard.Of"], tags=["a", 'it\'s "q" \\ ü']), QueryItem(types=[Counted])
    )
    for asked in (query, Query.all()):
        found = explored(root, asked).context["found"]
        imports, expression = found.python.split("\n\n")
        assert eval(expression, names(imports)) == asked
    python = explored(root, query).context["found"].python
    assert "from factos_django.testing.contract import Counted, Noted\n" in python
    assert 'types=["Unheard.Of", Noted]' in python
    body = explored(root, query, before=head(store.using)).context["found"].json
    api = root.post("/api/events/query/", body, content_type="application/json")
    assert [event["type"] for event in api.json()["events"]] == ["factos.contract.Noted"]


def names(imports):
    known = {}
    exec(imports, known)
    return known


def test_items_are_added_and_removed_without_a_script(root, store):
    query = "types-1=A&tags-1=a&tags-1=&tags-4=b&tags-7=c&after=3"
    more = root.get(f"{ADDRESS}?{query}&add_item=1")
    assert more.headers["Location"] == "?types-1=A&tags-1=a&tags-2=b&tags-3=c&tags-4=&after=3#factos-items"
    assert len(root.get(ADDRESS + more.headers["Location"]).context["form"].items) == 4
    fewer = root.get(f"{ADDRESS}?{query}&remove_item=4")
    assert fewer.headers["Location"] == "?types-1=A&tags-1=a&tags-2=c&after=3#factos-items"
    assert root.get(f"{ADDRESS}?tags-1=a&remove_item=1").headers["Location"] == "?#factos-items"
    bare = root.get(ADDRESS)
    assert len(bare.context["form"].items) == 1
    assert 'name="types-{number}"' in bare.content.decode()  # of what a script makes others
    assert root.get(f"{ADDRESS}?add_item=1").headers["Location"] == "?tags-1=&tags-2=#factos-items"


def test_what_is_no_query_is_told_beside_its_field(root, store, settings):
    wrong = {
        "types-1": "no name<script>",
        "tags-2": "a\x01<script>",
        "tags-3": "x" * 256,
        "after": "-1",
        "before": "9" * 19,
    }
    page = root.get(ADDRESS, wrong)
    assert set(errors(page)) == set(wrong)
    text = page.content.decode()
    assert 'id="factos-tags-2-errors"' in text
    assert 'aria-describedby="factos-before-errors"' in text
    assert "no name<script>" not in text
    assert set(errors(root.get(ADDRESS, {"tags-1": "\x00", "types-1": b"\xff"}))) == {"tags-1", "types-1"}
    settings.FACTOS_MAX_QUERY_ITEMS = settings.FACTOS_MAX_TAGS = 2
    many = root.get(ADDRESS, {f"tags-{number}": "a" for number in range(1, 40)})
    assert set(errors(many)) == {"query"}
    assert len(many.context["form"].items) == 2
    assert not many.context["form"].may_add
    assert set(errors(root.get(ADDRESS, {"tags-1": ["a", "b", "c"]}))) == {"tags-1"}
    assert root.get(f"{ADDRESS}?{'tags-1=a&' * 1100}").status_code == 400


def test_it_needs_permissions_and_changes_nothing(on_store, store):
    append([noted("secret", "a")], using=store.using)
    query = Query.of(QueryItem(tags=["a"]))
    assert explored(staff_client("tags", "view_tag", "view_event_data"), query).status_code == 403
    events = staff_client("events", "view_event")
    page = explored(events, query)
    assert len(shown(page)) == 1
    assert "secret" not in page.content.decode()
    assert "data-complete" not in page.content.decode()
    data = staff_client("data", "view_event", "view_event_data", "view_tag")
    assert "secret" in explored(data, query).content.decode()
    assert 'data-complete="/admin/factos/tag/complete/"' in explored(data, query).content.decode()
    assert data.post(ADDRESS).status_code == 403


def test_types_that_no_code_declares_are_offered_too(root, store, monkeypatch):
    append([noted("x", "a")], using=store.using)
    monkeypatch.delitem(EVENT_TYPES._by_name, "factos.contract.Noted")
    form = root.get(f"{ADDRESS}?types-1=Unheard.Of").context["form"]
    boxes = dict(form.items[0].types)
    assert (boxes["Unheard.Of"], boxes["factos.contract.Noted"], form.offers_all_types) == (True, False, True)
    assert ("factos.contract.Noted", False) in form.empty_item.types


def test_the_statements_are_few(root, store):
    append([noted(str(number), "a", f"b:{number}") for number in range(200)], using=store.using)
    append([Proposed(Counted(1), tags=("a", f"c:{number}")) for number in range(200)], using=store.using)
    items = [QueryItem(types=[Noted, Counted], tags=["a", f"b:{number}"]) for number in range(20)]
    with CaptureQueriesContext(connections[store.using]) as statements:
        assert len(shown(explored(root, Query.of(*items)))) == 20
    log = [each["sql"] for each in statements if "factos_" in each["sql"]]
    assert len(log) <= 12
