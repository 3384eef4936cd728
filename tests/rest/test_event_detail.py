"""``GET events/{position}/``: a fact never changes, so it may be kept."""

from django.contrib.auth.models import User

from factos_django import Proposed
from factos_django.store import append
from factos_django.testing.contract import Noted
from tests.rest.clients import ApiClient, a_client, a_user
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])


def record(store: Store) -> int:
    return append([Proposed(Noted("hello"), tags=("t",))], using=store.using)[0].position


def test_a_fact_is_sent_with_an_etag_to_be_kept_for_a_year(api: ApiClient, on_store: Store) -> None:
    position = record(on_store)
    answer = api.fetch(f"events/{position}/")
    assert answer.status_code == 200
    assert answer.json()["position"] == position
    assert answer.json()["data"]["text"] == "hello"
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert {"Authorization", "Cookie"} <= set(answer["Vary"].split(", "))
    assert answer["ETag"].startswith('"')


def test_who_has_it_is_told_so(api: ApiClient, on_store: Store) -> None:
    path = f"/api/events/{record(on_store)}/"
    first = api.get(path)
    for form in ("{}", "W/{}", '"other", {}', "*"):
        again = api.get(path, headers={"If-None-Match": form.format(first["ETag"])})
        assert (again.status_code, again.content) == (304, b"")
        assert (again["ETag"], again["Cache-Control"]) == (first["ETag"], first["Cache-Control"])


def test_who_has_something_else_is_sent_it(api: ApiClient, on_store: Store) -> None:
    position = record(on_store)
    for value in ('"other"', "", "nonsense", '"', "W/"):
        answer = api.get(f"/api/events/{position}/", headers={"If-None-Match": value})
        assert answer.status_code == 200


def test_without_data_it_is_another_answer_with_another_etag(api: ApiClient, on_store: Store) -> None:
    path = f"/api/events/{record(on_store)}/"
    etag = api.get(path)["ETag"]
    reader = a_client(a_user("reader", "view_event"))
    answer = reader.get(path, headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert "data" not in answer.json()
    assert answer["ETag"] != etag


def test_who_may_not_see_it_is_not_told_that_nothing_changed(api: ApiClient, on_store: Store) -> None:
    path = f"/api/events/{record(on_store)}/"
    etag = api.get(path)["ETag"]
    nobody = a_client(User.objects.create_user("nobody"))
    assert nobody.get(path, headers={"If-None-Match": etag}).status_code == 403


def test_what_is_no_position_is_not_there(api: ApiClient, on_store: Store) -> None:
    record(on_store)
    for position in ("0", "-1", "+1", "01", "1.0", "1e0", "a", "٣", "9" * 19, "9" * 5000, str(2**63), "1%00"):
        answer = api.fetch(f"events/{position}/")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json"), position
