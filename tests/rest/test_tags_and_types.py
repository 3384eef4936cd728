"""``GET tags/`` and ``GET event-types/``."""

from typing import Any

import pytest
from rest_framework.exceptions import PermissionDenied

from factos_django import Proposed, Query
from factos_django.rest_framework import ApiPermissions
from factos_django.rest_framework.surfaces import event_types
from factos_django.store import append
from factos_django.testing.contract import Counted, Noted
from tests.rest.clients import ApiClient, a_client, a_user
from tests.rest.stored import store_row
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])

REFUSING = "tests.rest.test_tags_and_types.Refusing"

COUNTED = "factos.contract.Counted"


class Refusing(ApiPermissions):
    """Says why no query may be asked."""

    def may_read(self, query: Query) -> bool:
        raise PermissionDenied("Ask for your own tag.")


def pages(api: ApiClient, path: str, member: str, **parameters: Any) -> list[list[Any]]:
    answer = api.fetch(path, **parameters)
    assert answer.status_code == 200, answer.content
    found = [answer.json()[member]]
    while address := answer.json()["next"]:
        answer = api.get(address)
        found.append(answer.json()[member])
    return found


def test_tags_are_listed_once_in_the_order_of_their_bytes(api: ApiClient, on_store: Store) -> None:
    tags = ["a", "A", "a ", "ab", "a%", "a_", "é", "e\u0301", "😀", "😁", "\uffee", "z"]
    for _ in range(60):  # more than one leap looks at
        append([Proposed(Noted(), tags=("ab", "a"))], using=on_store.using)
    append([Proposed(Noted(), tags=(tag,)) for tag in tags], using=on_store.using)
    ordered = sorted(tags, key=str.encode)
    assert pages(api, "tags/", "tags") == [ordered]
    assert pages(api, "tags/", "tags", limit=5) == [ordered[:5], ordered[5:10], ordered[10:]]
    for prefix in ("a", "A", "a%", "a_", "é", "😀", "none", "a\n"):
        found = pages(api, "tags/", "tags", prefix=prefix, limit=2)
        assert [tag for page in found for tag in page] == [tag for tag in ordered if tag.startswith(prefix)]
    assert api.fetch("tags/", prefix="a", after="a ").json()["tags"] == ["a%", "a_", "ab"]
    assert api.fetch("tags/", prefix="z", after="a").json()["tags"] == ["z"]


def test_tags_need_a_permission_of_their_own(on_store: Store) -> None:
    assert a_client(a_user("reader", "view_event")).fetch("tags/").status_code == 403
    assert a_client(a_user("librarian", "view_tag")).fetch("tags/").status_code == 200


def test_a_type_is_told_with_its_versions_schema_and_count(
    api: ApiClient, on_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append([Counted(1), Counted(2)], using=on_store.using)
    told = api.fetch(f"event-types/{COUNTED}/").json()
    assert (told["name"], told["registered"], told["versions"]) == (COUNTED, True, [1])
    assert (told["count"], told["is_more"], told["tags"]) == (2, False, [])
    assert "number" in str(told["schema"])
    noted = api.fetch("event-types/factos.contract.Noted/").json()
    assert (noted["tags"], noted["count"]) == (["factos.contract:{subject}"], 0)
    monkeypatch.setattr(event_types, "_MOST_COUNTED", 1)
    told = api.fetch(f"event-types/{COUNTED}/").json()
    assert (told["count"], told["is_more"]) == (1, True)


def test_types_that_only_the_log_knows_are_listed_among_the_others(api: ApiClient, on_store: Store) -> None:
    for name in ("Zebra", "Aardvark", "factos.contract.Never"):
        store_row(on_store.using, type=name)
    names = [each["name"] for page in pages(api, "event-types/", "event_types", limit=7) for each in page]
    assert names == sorted(set(names))
    assert {"Zebra", "Aardvark", "factos.contract.Never", COUNTED} <= set(names)
    told = api.fetch("event-types/Zebra/").json()
    assert told == {"name": "Zebra", "registered": False, "count": 1, "is_more": False}
    for nothing in ("Nobody", "a b", "é", "x" * 200):
        assert api.fetch(f"event-types/{nothing}/").status_code == 404


def test_a_reason_not_to_count_leaves_out_the_count_and_no_more(
    api: ApiClient, on_store: Store, settings: Any
) -> None:
    (noted,) = append([Noted()], using=on_store.using)
    store_row(on_store.using, type="secret")
    settings.FACTOS_API_PERMISSIONS = REFUSING
    told = api.fetch("event-types/").json()["event_types"]
    assert COUNTED in [each["name"] for each in told]
    assert [each for each in told if "count" in each or each["name"] == "secret"] == []
    assert api.fetch(f"event-types/{COUNTED}/").json().get("count") is None
    for hidden in ("event-types/secret/", f"events/{noted.position}/"):
        assert api.fetch(hidden).status_code == 404
    assert api.fetch("events/").json()["detail"] == "Ask for your own tag."
