"""The rows of projections over HTTP: their values, filters, pages, and waiting for what one has written."""

from __future__ import annotations

import time as time_of_python
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.core import signing
from django.db import connections, transaction
from django.db.models import QuerySet

from factos_django import Recorded
from factos_django.models import ProjectionState
from factos_django.projections import catch_up, projection_handler
from factos_django.projections.rebuilding import rebuild
from factos_django.projections.rows.columns import Column
from factos_django.registry import PROJECTIONS
from factos_django.rest_framework.projected_rows.paging import Keyset
from factos_django.store import append, head
from tests.ledger.domain import LEDGER, Deposited, Transferred
from tests.ledger.models import Measurement, Specimen
from tests.projections.ledgers import BALANCES, TURNOVERS, failing_at, in_place
from tests.rest.clients import ApiClient, a_client, a_user
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])

INLINE = "ledger.balances"
SPECIMENS = "tests.specimens"


@pytest.fixture
def specimens() -> Iterator[str]:
    """A projection of two tables; tests write their rows by themselves."""

    @projection_handler(SPECIMENS, query=LEDGER, tables=["ledger.Specimen", "ledger.Measurement"])
    def nothing(recorded: Recorded[Any], using: str) -> None:
        """Write nothing."""

    yield SPECIMENS
    PROJECTIONS.unregister(SPECIMENS)


FULL: dict[str, Any] = {
    "label": "a'b%_",
    "text": " spaces <b> ",
    "small": -7,
    "whole": 7,
    "big": 2**63 - 1,
    "positive": 3,
    "amount": Decimal("12.50"),
    "ratio": 0.1,
    "flag": False,
    "moment": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "day": date(2026, 1, 2),
    "clock": time(3, 4, 5),
    "span": timedelta(days=1, seconds=2),
    "token": UUID(int=5),
    "raw": b"\x00\xff",
    "data": {"b": [1, 2.5, None], "a": "ä"},
    "address": "192.0.2.1",
    "suit": "hearts",
    "rank": 1,
    "owner_id": 4,
}


def specimen(key: str, **values: Any) -> Specimen:
    return Specimen(key=key, factos_position=1, **{"label": "", "text": "", "suit": "", **values})


def store_rows(using: str, *rows: Any) -> None:
    QuerySet(type(rows[0]), using=using).bulk_create(rows)


def keys(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["key"] for row in answer.json()["rows"]]


def accounts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["account"] for row in answer.json()["rows"]]


def walk(api: ApiClient, path: str, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of each page."""
    answer = api.fetch(path, **parameters)
    while True:
        assert answer.status_code == 200, answer.content
        told = answer.json()
        yield told["rows"]
        if told["next"] is None:
            return
        answer = api.get(told["next"])


def test_values_are_told_as_json(api: ApiClient, store: Store, specimens: str) -> None:
    store_rows(store.using, specimen("full", **FULL), specimen("none"))
    answer = api.fetch(f"projections/{specimens}/rows/")
    full, none = answer.json()["rows"]
    assert full == {
        "key": "full",
        "factos_position": 1,
        **FULL,
        "amount": "12.50",
        "moment": "2026-01-02T03:04:05.000006+00:00",
        "day": "2026-01-02",
        "clock": "03:04:05",
        "span": "P1DT2S",
        "token": str(UUID(int=5)),
        "raw": "AP8=",
    }
    assert none["data"] is none["raw"] is none["owner_id"] is None
    assert answer.json()["next"] is None


ASKED: list[tuple[dict[str, Any], list[str]]] = [
    ({"key": "full"}, ["full"]),
    ({"key": "FULL"}, []),
    ({"key": "full "}, []),
    ({"key__in": ["none", "full", "x"]}, ["full", "none"]),
    ({"label": "a'b%_"}, ["full"]),
    ({"label": "a%"}, []),
    ({"text": " spaces <b> "}, ["full"]),
    ({"small__lt": "-6"}, ["full"]),
    ({"small__lt": "-7"}, []),
    ({"whole__gte": "7", "whole__lte": "7"}, ["full"]),
    ({"whole__gt": "7"}, []),
    ({"big": str(2**63 - 1)}, ["full"]),
    ({"amount": "12.5"}, ["full"]),
    ({"amount__gt": "12.49", "amount__lt": "12.51"}, ["full"]),
    ({"ratio": "0.1"}, ["full"]),
    ({"ratio__gt": "-1e300"}, ["full"]),
    ({"flag": "false"}, ["full"]),
    ({"flag": "true"}, []),
    ({"moment": "2026-01-02T04:04:05.000006+01:00"}, ["full"]),
    ({"moment__gt": "2026-01-02T03:04:05Z"}, ["full"]),
    ({"moment__gt": "0001-01-01T00:00:00Z", "moment__lt": "9999-12-31T23:59:59Z"}, ["full"]),
    ({"day": "2026-01-02"}, ["full"]),
    ({"day__lt": "2026-01-02"}, []),
    ({"clock": "03:04:05"}, ["full"]),
    ({"span": "P1DT2S"}, ["full"]),
    ({"token": str(UUID(int=5))}, ["full"]),
    ({"address": "192.0.2.1"}, ["full"]),
    ({"owner_id": "4"}, ["full"]),
    ({"owner_id__in": ["4", "5"]}, ["full"]),
    ({"data__isnull": "true"}, ["none"]),
    ({"raw__isnull": "false"}, ["full"]),
    ({"factos_position__gte": "1"}, ["full", "none"]),
    ({"suit": "hearts", "rank": "2"}, []),
]


def test_columns_are_filters(api: ApiClient, store: Store, specimens: str) -> None:
    store_rows(store.using, specimen("full", **FULL), specimen("none"))
    for parameters, found in ASKED:
        assert keys(api.fetch(f"projections/{specimens}/rows/", **parameters)) == found, parameters


REFUSED: list[dict[str, Any]] = [
    {"unknown": "1"},
    {"text__contains": "a"},
    {"text__regex": "(a+)+$"},
    {"text__startswith": "a"},
    {"text__gt": "a"},
    {"data__a": "1"},
    {"data": "{}"},
    {"data__isnull__exact": "true"},
    {"raw": "AP8="},
    {"owner__username": "root"},
    {"owner": "1"},
    {"pk": "full"},
    {"pk__in": "full"},
    {"key__isnull": "true"},
    {"order_by": "-key"},
    {"ordering": "key"},
    {"_connector": "OR"},
    {"key": ["a", "b"]},
    {"small__gt": ["1", "1"]},
    {"flag__isnull": ["true", "true"]},
    {"key": "a\x00"},
    {"key": "a\x00", "text": "b"},
    {"key__in": ["a", "b\x00"]},
    {"label": "123456"},
    {"small": "32768"},
    {"small": "-32769"},
    {"whole": "2147483648"},
    {"big": str(2**63)},
    {"big": "9" * 5000},
    {"big__gt": "1e3"},
    {"big__in": "1,2"},
    {"positive": "-1"},
    {"whole": "1.0"},
    {"whole": " 1"},
    {"whole": ""},
    {"whole": "٣"},
    {"whole": "1_0"},
    {"whole": "+1"},
    {"amount": "1.234"},
    {"amount": "99999999999.00"},
    {"amount": "NaN"},
    {"amount": "Infinity"},
    {"amount": "1e999"},
    {"amount": "1e-999"},
    {"ratio": "nan"},
    {"ratio": "inf"},
    {"ratio": "1e400"},
    {"ratio": "0x1p3"},
    {"flag": "1"},
    {"flag": "True"},
    {"flag": ""},
    {"flag__isnull": "1"},
    {"moment": "2026-01-02T03:04:05"},
    {"moment": "2026-01-02"},
    {"moment": "0001-01-01T00:00:00+23:59"},
    {"moment": "9999-12-31T23:59:59-23:59"},
    {"moment": "2026-01-02T03:04:05+99:99"},
    {"moment": "10000-01-01T00:00:00Z"},
    {"moment": "now"},
    {"day": "2026-02-30"},
    {"day": "0000-01-01"},
    {"day": "2026-01-02T00:00:00Z"},
    {"clock": "25:00:00"},
    {"clock": "03:04:05Z"},
    {"span": "P106751992D"},
    {"span": "P9999999999999999D"},
    {"span": "1 day"},
    {"token": "5"},
    {"address": "192.0.2.1'; --"},
    {"address": "::ffff:192.0.2.1"},
    {"owner_id": "a"},
    {"limit": "0"},
    {"limit": "٣"},
    {"limit": ["1", "2"]},
    {"table": "ledger.Balance"},
    {"table": "auth.User"},
    {"table": ["ledger.Specimen", "ledger.Specimen"]},
    {"table": "ledger.specimen"},
    {"after": "x"},
    {"after": ""},
    {"after": "ä:b:c"},
    {"after": "a\x00"},
    {"timeout": "-1"},
    {"timeout": "nan"},
    {"wait_for": "-1"},
    {"wait_for": "1"},
    {"wait_for": str(2**63)},
]


def test_what_no_row_can_hold_and_what_nobody_offers_is_refused(
    api: ApiClient, store: Store, specimens: str
) -> None:
    store_rows(store.using, specimen("full", **FULL))
    for parameters in REFUSED:
        answer = api.fetch(f"projections/{specimens}/rows/", **parameters)
        told = (answer.status_code, answer["Content-Type"])
        assert told == (400, "application/problem+json"), (parameters, answer.content)


def test_a_lone_surrogate_in_the_address_is_refused(api: ApiClient, specimens: str) -> None:
    assert keys(api.get(f"/api/projections/{specimens}/rows/?key=%ED%A0%80")) == []  # three times no UTF-8
    assert api.get(f"/api/projections/{specimens}/rows/?%00=1").status_code == 400


def test_too_many_values_are_refused(api: ApiClient, specimens: str, settings: Any) -> None:
    settings.FACTOS_MAX_QUERY_ITEMS = 2
    assert api.fetch(f"projections/{specimens}/rows/", key__in=["a", "b"]).status_code == 200
    assert api.fetch(f"projections/{specimens}/rows/", key__in=["a", "b", "c"]).status_code == 400


def test_one_of_several_tables_is_chosen(api: ApiClient, store: Store, specimens: str) -> None:
    row = Measurement(
        place=Decimal("1.50"),
        moment=datetime(2026, 1, 1, tzinfo=UTC),
        device=UUID(int=1),
        value=3,
        factos_position=1,
    )
    store_rows(store.using, row)
    answer = api.fetch(f"projections/{specimens}/rows/", table="ledger.Measurement", value="3")
    assert [each["place"] for each in answer.json()["rows"]] == ["1.50"]
    assert keys(api.fetch(f"projections/{specimens}/rows/", table="ledger.Specimen")) == []


def test_permissions_are_asked_for_each_table(anybody: ApiClient, store: Store, specimens: str) -> None:
    path = f"projections/{specimens}/rows/"
    assert anybody.fetch(path).status_code == 403
    assert a_client(a_user("a", "ledger.view_specimen")).fetch(path).status_code == 403
    assert a_client(a_user("b", "view_projectionstate")).fetch(path).status_code == 403
    both = a_client(a_user("c", "view_projectionstate", "ledger.view_specimen"))
    assert both.fetch(path).status_code == 200
    refused = both.fetch(path, table="ledger.Measurement", place="x")
    assert (refused.status_code, "place" in refused.content.decode()) == (403, False)


def test_pages_follow_the_key(api: ApiClient, store: Store) -> None:
    names = [f"a{n}" for n in range(7)]
    append([Deposited(name, 5) for name in names], using=store.using)
    pages = list(walk(api, f"projections/{INLINE}/rows/", limit=3, amount="5"))
    assert [[row["account"] for row in page] for page in pages] == [names[:3], names[3:6], names[6:]]


def test_a_page_is_no_longer_than_the_setting_says(api: ApiClient, store: Store, settings: Any) -> None:
    settings.FACTOS_API_MAX_LIMIT = 2
    append([Deposited(name, 5) for name in "abc"], using=store.using)
    assert accounts(api.fetch(f"projections/{INLINE}/rows/")) == ["a", "b"]
    assert api.fetch(f"projections/{INLINE}/rows/", limit=3).status_code == 400


def test_no_page_is_counted_or_skipped_to(
    api: ApiClient, store: Store, django_assert_max_num_queries: Any
) -> None:
    append([Deposited(name, 5) for name in "abc"], using=store.using)
    following = api.fetch(f"projections/{INLINE}/rows/", limit=1).json()["next"]
    with django_assert_max_num_queries(9, connection=connections[store.using]) as seen:
        assert accounts(api.get(following)) == ["b"]
    (statement,) = [each["sql"] for each in seen.captured_queries if "ledger_balance" in each["sql"]]
    assert "OFFSET" not in statement
    assert "COUNT" not in statement


def test_a_walk_sees_what_stays_once_while_others_come_and_go(api: ApiClient, store: Store) -> None:
    pairs = [(payer, payee) for payer in "bcd" for payee in "xyz"]
    append([Transferred(*pair, 100) for pair in pairs], using=store.using)
    catch_up(using=store.using)
    seen = []
    for n, page in enumerate(walk(api, f"projections/{TURNOVERS}/rows/", limit=2)):
        seen += [(row["payer"], row["payee"]) for row in page]
        if n < 3:  # before, between and behind where it stands; and the rows are made anew
            append([Transferred(f"a{n}", "x", 1), Transferred(*seen[-1], 1)], using=store.using)
            catch_up(using=store.using)
            rebuild(TURNOVERS, using=store.using)
    assert seen == pairs


def test_a_key_of_many_kinds_is_walked(api: ApiClient, store: Store, specimens: str) -> None:
    moments = [datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(microseconds=n) for n in range(2)]
    places = (Decimal("-1.50"), Decimal("0.10"), Decimal("10.00"))
    rows = [
        Measurement(place=place, moment=moment, device=UUID(int=n), value=n, factos_position=1)
        for place in places
        for moment in moments
        for n in range(2)
    ]
    store_rows(store.using, *rows)
    names = ("place", "moment", "device")
    columns = [Column(each) for each in Measurement._meta.concrete_fields if each.name in names]
    keyset = Keyset("x", columns, store.using)
    found: list[dict[str, Any]] = []
    query: QuerySet[Measurement] = QuerySet(Measurement, using=store.using).order_by(*keyset.names)
    page = query.values(*keyset.names)[:1]
    while page:
        found += page
        page = keyset.after(query, keyset.cursor(found[-1])).values(*keyset.names)[:1]
    assert found == [{name: getattr(row, name) for name in keyset.names} for row in rows]


def test_a_forged_cursor_is_refused(api: ApiClient, store: Store, specimens: str) -> None:
    append([Deposited(name, 5) for name in "abc"], using=store.using)
    following = api.fetch(f"projections/{INLINE}/rows/", limit=1).json()["next"]
    (cursor,) = parse_qs(urlsplit(following).query)["after"]
    assert accounts(api.fetch(f"projections/{INLINE}/rows/", after=cursor)) == ["b", "c"]
    forged = [signing.dumps(["a"]), cursor[1:], cursor[:-1], cursor.upper(), signing.dumps(["a"], salt="x")]
    for each in forged:
        assert api.fetch(f"projections/{INLINE}/rows/", after=each).status_code == 400
    others = f"projections/{specimens}/rows/"
    assert api.fetch(others, after=cursor).status_code == 400, "it is of another table"


def test_the_rows_hold_what_was_waited_for(api: ApiClient, store: Store) -> None:
    (fact,) = append([Deposited("a", 5)], using=store.using)
    late = api.fetch(f"projections/{BALANCES}/rows/", wait_for=fact.position, timeout=0)
    told = late.json()
    assert (late.status_code, told["type"]) == (409, "urn:factos:projection-behind")
    assert (told["reached"], told["position"], late["Retry-After"]) == (0, fact.position, "1")
    assert api.fetch(f"projections/{BALANCES}/rows/")["Factos-Position"] == "0"
    catch_up(using=store.using)
    answer = api.fetch(f"projections/{BALANCES}/rows/", wait_for=fact.position, limit=1)
    assert (accounts(answer), answer["Factos-Position"]) == (["a"], str(head(store.using)))


def test_inline_rows_are_waited_for_by_nobody(api: ApiClient, store: Store) -> None:
    (fact,) = append([Deposited("a", 5)], using=store.using)
    answer = api.fetch(f"projections/{INLINE}/rows/", wait_for=fact.position, timeout=0)
    assert (accounts(answer), answer["Factos-Position"]) == (["a"], str(fact.position))


def test_nobody_waits_for_what_is_not_recorded(api: ApiClient, store: Store) -> None:
    (fact,) = append([Deposited("a", 5)], using=store.using)
    for name in (INLINE, BALANCES):
        answer = api.fetch(f"projections/{name}/rows/", wait_for=fact.position + 1, timeout=20)
        assert (answer.status_code, str(fact.position) in answer.json()["detail"]) == (400, True)


def test_a_wait_holds_no_transaction_and_ends_when_the_setting_says(
    api: ApiClient, store: Store, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FACTOS_FEED_SECONDS = 0.3  # so that a busy machine comes to sleep at all
    (fact,) = append([Deposited("a", 5)], using=store.using)
    held, sleep = [], time_of_python.sleep

    def look(seconds: float) -> None:
        held.append(transaction.get_connection(store.using).in_atomic_block)
        sleep(seconds)

    monkeypatch.setattr(time_of_python, "sleep", look)
    connections[store.using].settings_dict["ATOMIC_REQUESTS"] = True
    try:
        answer = api.fetch(f"projections/{BALANCES}/rows/", wait_for=fact.position, timeout=1e9)
    finally:
        connections[store.using].settings_dict["ATOMIC_REQUESTS"] = False
    assert answer.status_code == 409
    assert held
    assert not any(held)


def test_why_a_projection_stopped_is_not_told_to_who_waits_for_it(api: ApiClient, store: Store) -> None:
    def refuse(recorded: Recorded[Any]) -> None:
        raise ValueError("secret")

    (fact,) = append([Deposited("a", 5)], using=store.using)
    with in_place(failing_at(refuse)):
        catch_up(using=store.using)
    answer = api.fetch(f"projections/{BALANCES}/rows/", wait_for=fact.position, timeout=20)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:factos:projection-stopped")
    assert answer.json()["position"] == fact.position
    assert "secret" not in answer.content.decode()


def test_no_position_is_told_where_rows_may_lack_a_fact(api: ApiClient, store: Store) -> None:
    append([Deposited("a", 5)], using=store.using)
    states = ProjectionState.objects.using(store.using)
    states.update_or_create(name=INLINE, defaults={"mode": "inline", "version": 0, "query_digest": ""})
    assert "Factos-Position" not in api.fetch(f"projections/{INLINE}/rows/").headers
    states.filter(pk=INLINE).update(version=1, condition="stopped")
    assert "Factos-Position" not in api.fetch(f"projections/{INLINE}/rows/").headers
    answer = api.fetch(f"projections/{INLINE}/rows/", wait_for=1)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:factos:projection-stopped")


def test_a_follower_that_was_inline_is_to_be_rebuilt_first(api: ApiClient, store: Store) -> None:
    (fact,) = append([Deposited("a", 5)], using=store.using)
    ProjectionState.objects.using(store.using).filter(pk=BALANCES).update(mode="inline")
    answer = api.fetch(f"projections/{BALANCES}/rows/", wait_for=fact.position)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:factos:rebuild-needed")
    assert "Factos-Position" not in api.fetch(f"projections/{BALANCES}/rows/").headers
