"""Facts are sent as they are stored, whatever the code knows of them, and to those who may read them."""

import json
from typing import Any

from django.db import connections

from factos_django import Proposed, Query
from factos_django.rest_framework import ApiPermissions
from factos_django.store import append
from factos_django.testing.contract import Noted
from tests.rest.clients import ApiClient, a_client, a_user
from tests.rest.stored import store_row
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])

HARD = {
    "z": 1,
    "a": [2**53 + 1, 1e22, 0.1, -0.5, True, None, "é😀\u2028\u202e", "\x7f"],
    "A": {"b": {}, "": ""},
}


def events(api: ApiClient) -> list[dict[str, Any]]:
    answer = api.fetch("events/")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["events"]
    assert api.send("events/query/", {"query": {"all": True}}).json()["events"] == found
    assert api.send("events/context/", {"query": {"all": True}}).json()["events"] == found
    assert [api.fetch(f"events/{each['position']}/").json() for each in found] == found
    return found


def test_types_and_versions_that_no_code_knows_are_sent_all_the_same(api: ApiClient, on_store: Store) -> None:
    store_row(on_store.using, type="gone", data='{"a": 1}', tags=["t"])
    store_row(on_store.using, type="factos.contract.Noted", version=0, data="[1]")
    store_row(on_store.using, type="a name of old!", data='"text"')
    found = events(api)
    assert [(each["type"], each["version"], each["data"]) for each in found] == [
        ("gone", 1, {"a": 1}),
        ("factos.contract.Noted", 0, [1]),
        ("a name of old!", 1, "text"),
    ]


def test_the_bytes_of_data_are_the_same_on_every_database(api: ApiClient, on_store: Store) -> None:
    append([Noted("x", data=HARD)], using=on_store.using)
    text = api.fetch("events/").content.decode()
    expected = '{"A":{"":"","b":{}},"a":[9007199254740993,10000000000000000000000.0,0.1,-0.5,true,null,'
    assert expected in text
    assert json.loads(text)["events"][0]["data"]["data"] == HARD


def test_text_that_is_no_json_is_sent_as_text_and_breaks_nothing_else(
    api: ApiClient, on_store: Store
) -> None:
    if connections[on_store.using].vendor != "sqlite":
        return  # where no row of the log is a file that a damaged disk can change under it
    with connections[on_store.using].cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
    store_row(on_store.using, data='{"a": ')
    store_row(on_store.using, data='"\\ud800"')
    store_row(on_store.using, data="{}", metadata={"correlation_id": "c"})
    with connections[on_store.using].cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    broken, surrogate, fine = events(api)
    assert "data" not in broken
    assert broken["unreadable"] == {"data": '{"a": '}
    assert surrogate["unreadable"] == {"data": '"\\ud800"'}
    assert (fine["data"], "unreadable" in fine) == ({}, False)
    reader = a_client(a_user("reader", "view_event"))
    assert not any(
        "unreadable" in each or "data" in each for each in reader.fetch("events/").json()["events"]
    )


class OfTenant(ApiPermissions):
    """Only queries each item of which names the tenant's tag."""

    def may_read(self, query: Query) -> bool:
        return not query.everything and all("tenant:1" in item.tags for item in query.items)


def test_a_tenant_is_told_nothing_of_another(on_store: Store, settings: Any) -> None:
    settings.FACTOS_API_PERMISSIONS = "tests.rest.test_stored_facts.OfTenant"
    mine, others = (
        append([Proposed(Noted("x"), tags=(f"tenant:{n}", "t"))], using=on_store.using)[0].position
        for n in (1, 2)
    )
    store_row(on_store.using, type="of tenant 2", tags=["tenant:2"])
    hidden = store_row(on_store.using, type="OfTenantTwo", tags=["tenant:2"])
    user = a_client(a_user("one", "view_event", "view_event_data"))
    assert [each["position"] for each in user.fetch("events/", tag=["t", "tenant:1"]).json()["events"]] == [
        mine
    ]
    assert user.fetch(f"events/{mine}/").status_code == 200
    for position in (others, hidden, hidden - 1, 10**9):  # as if it were not there
        answer = user.fetch(f"events/{position}/")
        assert (answer.status_code, answer.json()["detail"]) == (404, "Not found.")
    for parameters in ({}, {"tag": "t"}, {"tag": "tenant:2"}, {"correlation_id": "c"}):
        assert user.fetch("events/", **parameters).status_code == 403
    for query in ({"all": True}, {"items": [{"tags": ["tenant:1"]}, {"tags": ["tenant:2"]}]}):
        for path in ("events/query/", "events/context/"):
            assert user.send(path, {"query": query}).status_code == 403
    assert user.fetch("tags/").status_code == 403
    told = user.fetch("event-types/factos.contract.Noted/").json()
    assert "count" not in told
    assert user.fetch("event-types/OfTenantTwo/").status_code == 404
    assert b"OfTenantTwo" not in user.fetch("event-types/").content
