"""A project's own command endpoints, on every store."""

from __future__ import annotations

import functools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.utils import translation
from django.utils.translation import gettext_lazy
from rest_framework.authentication import BasicAuthentication
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import FormParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from demo_project.ticketing.domain import (
    BuyTicket,
    ConferenceOpened,
    OpenConference,
    SaleFact,
    TicketSold,
    TicketWindow,
    evolve,
    opening_context,
    sale_context,
    sale_facts,
    ticket_sales,
)
from factos_django import Decider, DomainError, Query, QueryItem
from factos_django.core.errors import OutcomeUnknown, RetryTransaction, StoreBusy
from factos_django.dispatch import Dispatched, retrying, stamp
from factos_django.models import Event
from factos_django.rest_framework import CommandAPIView, CommandMixin
from factos_django.rest_framework.context_etag import etag_of
from factos_django.store import append, read
from tests.rest.clients import ApiClient, a_client
from tests.rest.command_urls import (
    BuyAtView,
    BuyTicketView,
    ConflictView,
    OpenConferenceView,
    PlaceOrderView,
)
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])

PROBLEM = "application/problem+json"
SALE = sale_facts("c")
TICKET = {"conference": "c", "buyer": "ada"}


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.rest.command_urls"


@pytest.fixture
def sale(on_store: Store) -> str:
    """The database in which conference "c" has two tickets."""
    append([ConferenceOpened("c", 2)], using=on_store.using)
    return on_store.using


def ask(view: Any, body: Any, user: Any = None, **headers: str) -> Any:
    """The answer of a view class, or of what ``as_view`` made, to a body."""
    handler = view.as_view() if hasattr(view, "as_view") else view
    text = body if isinstance(body, str) else json.dumps(body)
    request = APIRequestFactory().post("/", text, content_type="application/json", headers=headers)
    force_authenticate(request, user)
    return handler(request).render()


def said(answer: Any) -> Any:
    return json.loads(answer.content)


def facts(using: str) -> list[Any]:
    return [each.event for each in read(Query.all(), using=using)]


def a_view(**attributes: Any) -> type[CommandAPIView]:
    """A subclass of BuyTicketView with these attributes."""
    return type("AView", (BuyTicketView,), attributes)


# What is answered


def test_a_command_is_answered_by_the_facts_that_it_added(sale: str) -> None:
    answer = ask(BuyTicketView, TICKET)
    assert answer.status_code == 201
    assert answer["Content-Type"] == "application/json"
    event = Event.objects.using(sale).get(type="TicketSold")
    fact = {"id": str(event.id), "type": "TicketSold", "position": event.position}
    assert said(answer) == {"events": [fact], "position": event.position}
    assert answer["Factos-Position"] == str(event.position)
    assert facts(sale)[-1] == TicketSold("c", "ada")


def test_where_there_was_nothing_to_do_it_says_so(sale: str) -> None:
    answer = ask(OpenConferenceView, {"conference": "c", "capacity": 2}, User(pk=7))
    opened = Event.objects.using(sale).get()
    assert (answer.status_code, said(answer)) == (200, {"events": [], "position": opened.position})
    assert answer["Factos-Position"] == str(opened.position)


def test_a_refusal_has_its_code_its_message_and_its_fields(sale: str) -> None:
    append([TicketSold("c", "b"), TicketSold("c", "d")], using=sale)
    answer = ask(BuyTicketView, TICKET)
    assert (answer.status_code, answer["Content-Type"]) == (422, PROBLEM)
    assert said(answer) == {
        "type": "urn:factos:domain-error",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "The conference has no ticket left.",
        "code": "SoldOut",
        "fields": {"capacity": 2},
    }
    assert len(facts(sale)) == 3


class Odd(DomainError):
    """It is odd."""

    thing: Any


class Breaks:
    def __str__(self) -> str:
        raise RuntimeError


@dataclass
class Range:
    first: date
    last: Decimal


def refusing(error: Exception) -> type[CommandAPIView]:
    def decide(window: TicketWindow, command: BuyTicket) -> list[TicketSold]:
        raise error

    return a_view(decider=Decider(ticket_sales.initial, decide, evolve))


@pytest.mark.parametrize(
    ("thing", "answered"),
    [
        (Range(date(2026, 1, 2), Decimal("1.50")), {"first": "2026-01-02", "last": "1.50"}),
        (gettext_lazy("Monday"), "Montag"),
        ({"when": [gettext_lazy("Monday"), None]}, {"when": ["Montag", None]}),
        (float("nan"), None),
        (2j, "2j"),
        ("\ud800", "\\ud800"),
        ({(1, 2): 3}, {"(1, 2)": 3}),
        ({1: 2, "1": 3}, {"1": 3}),
        (Breaks(), "Breaks"),
    ],
    ids=["dataclass", "lazy", "nested", "nan", "complex", "surrogate", "keys", "same keys", "broken"],
)
def test_a_refusal_s_fields_are_sent_whatever_they_are(on_store: Store, thing: Any, answered: Any) -> None:
    with translation.override("de"):
        answer = ask(refusing(Odd(thing=thing)), TICKET)
    assert answer.status_code == 422
    assert said(answer)["fields"] == {"thing": answered}


class Translated(DomainError):
    code = "translated"
    message: ClassVar[Any] = gettext_lazy("Monday")


def test_a_refusal_s_message_is_translated_when_it_is_answered(on_store: Store) -> None:
    view = refusing(Translated())
    with translation.override("de"):
        assert said(ask(view, TICKET))["detail"] == "Montag"
    with translation.override("en"):
        assert said(ask(view, TICKET)) == said(ask(view, TICKET)) | {"detail": "Monday", "code": "translated"}


def test_a_context_that_moved_is_answered_without_what_moved_it(sale: str) -> None:
    answer = ask(ConflictView, TICKET)
    assert (answer.status_code, said(answer)["type"]) == (409, "urn:factos:append-condition-failed")
    position = str(Event.objects.using(sale).get().position)
    assert position not in said(answer)["detail"]
    assert set(said(answer)) == {"type", "title", "status", "detail"}


def failing(error: Exception) -> type[CommandAPIView]:
    def perform_command(self: Any, command: Any) -> Dispatched[Any]:
        raise error

    return a_view(perform_command=perform_command)


@pytest.mark.parametrize(
    "error", [StoreBusy(using="default", seconds=1), RetryTransaction(using="default", reason="deadlock")]
)
def test_a_busy_store_is_answered_with_when_to_ask_again(on_store: Store, error: Exception) -> None:
    for view in (
        failing(error),
        type("Mixed", (Mixed,), {"perform_command": failing(error).perform_command}),
    ):
        answer = ask(view, TICKET)
        assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM)
        assert answer["Retry-After"] == "1"


def test_nobody_is_told_that_something_is_recorded_where_nobody_knows(on_store: Store) -> None:
    answer = ask(failing(OutcomeUnknown(using="default")), TICKET)
    assert (answer.status_code, said(answer)["type"]) == (500, "urn:factos:outcome-unknown")


# What is sent


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"conference": "c"}, "$"),
        ({"conference": "c", "buyer": 5}, "$.buyer"),
        ({"conference": "c", "buyer": None}, "$.buyer"),
        ({**TICKET, "seat": 1}, "$.seat"),
        ([TICKET], "$"),
        ("null", "$"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_the_place(sale: str, body: Any, path: str) -> None:
    answer = ask(BuyTicketView, body)
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert said(answer)["type"] == "urn:factos:invalid-body"
    assert [each["path"] for each in said(answer)["errors"]] == [path]
    assert said(answer)["errors"][0]["detail"]
    assert len(facts(sale)) == 1


@pytest.mark.parametrize(
    ("line", "path"),
    [({"price": 1.5}, "$.lines[1].price"), ({"price": "1.5", "more": 1}, "$.lines[1].more")],
)
def test_what_is_nested_is_as_strict(on_store: Store, line: Any, path: str) -> None:
    order = {"lines": [{"price": "2"}, line], "between": [1, "a"]}
    assert said(ask(PlaceOrderView, order))["errors"][0]["path"] == path
    assert ask(PlaceOrderView, {**order, "lines": [{"price": "2"}]}).status_code == 200


@pytest.mark.parametrize(
    "body", ["{", '{"conference": "c", "conference": "d", "buyer": "a"}', "NaN", "[" * 99]
)
def test_a_body_that_is_no_json_is_refused(on_store: Store, body: str) -> None:
    answer = ask(BuyTicketView, body)
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)


def test_nothing_is_trimmed(sale: str) -> None:
    assert ask(BuyTicketView, {"conference": "c", "buyer": " ada "}).status_code == 201
    assert facts(sale)[-1] == TicketSold("c", " ada ")


def test_a_tag_that_no_log_can_hold_is_the_client_s_mistake(on_store: Store) -> None:
    answer = ask(BuyTicketView, {"conference": "x" * 500, "buyer": "a"})
    assert (answer.status_code, said(answer)["type"]) == (400, "urn:factos:invalid-tag")


def test_the_data_of_a_serializer_makes_the_command(sale: str, on_store: Store) -> None:
    client = a_client()
    answer = client.post("/buy-at/c/", {"buyer": " ada "}, content_type="application/json")
    assert answer.status_code == 201
    assert facts(sale)[-1] == TicketSold("c", "ada")  # a serializer trims, unless it is told not to


def test_the_data_of_a_serializer_is_the_command_where_nothing_else_is_said(on_store: Store) -> None:
    got: list[Any] = []

    def decide(state: None, command: Any) -> list[TicketSold]:
        got.append(command)
        return []

    view = a_view(
        command=BuyAtView.command,
        decider=Decider(None, decide, lambda state, event: state),
        query=lambda command: sale_facts(command["buyer"]),
    )
    key = {"Idempotency-Key": "one"}
    assert ask(view, {"buyer": "ada", "seats": [1], "unknown": 1}, **key).status_code == 200
    assert ask(view, {"buyer": "ada", "seats": [1]}, **key).status_code == 200
    assert got == [{"buyer": "ada", "seats": [1]}]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$.buyer"),
        ({"buyer": "x" * 21}, "$.buyer"),
        ({"buyer": "a", "seats": [1, "b"]}, "$.seats[1]"),
        ({"buyer": "nobody"}, "$"),
        ([], "$"),
    ],
)
def test_what_a_serializer_refuses_is_answered_with_the_place(on_store: Store, body: Any, path: str) -> None:
    for view in (a_view(command=BuyAtView.command), type("M", (Mixed,), {"command": BuyAtView.command})):
        answer = ask(view, body)
        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
        assert [each["path"] for each in said(answer)["errors"]] == [path]


def test_without_a_type_the_body_is_what_get_command_gets(sale: str) -> None:
    view = a_view(command=None, get_command=lambda self, data: BuyTicket(data["where"], data["who"]))
    assert ask(view, {"where": "c", "who": "ada"}).status_code == 201


# Who decides, and on what


def of_conference(conference: str, command: BuyTicket) -> Query:
    return sale_facts(conference)


class Queries:
    @classmethod
    def of(cls, command: BuyTicket) -> Query:
        return sale_context(command)

    def __call__(self, command: BuyTicket) -> Query:
        return sale_context(command)


@pytest.mark.parametrize(
    "query",
    [
        sale_context,
        staticmethod(sale_context),
        lambda command: sale_context(command),
        functools.partial(of_conference, "c"),
        SALE,
        Queries.of,
        Queries(),
    ],
    ids=["function", "staticmethod", "lambda", "partial", "query", "method", "callable"],
)
def test_a_query_is_whatever_names_the_facts(sale: str, query: Any) -> None:
    assert ask(a_view(query=query), TICKET).status_code == 201
    assert ask(BuyTicketView.as_view(query=query), TICKET).status_code == 201
    assert ask(a_view(query=query), TICKET).status_code == 422  # it saw what the others sold


def test_an_address_may_say_it_all(sale: str) -> None:
    view = CommandAPIView.as_view(command=BuyTicket, decider=ticket_sales, query=sale_context)
    assert ask(view, TICKET).status_code == 201


def test_methods_may_say_it_all(sale: str) -> None:
    class Methods(CommandAPIView):
        def get_command(self, data: Any) -> BuyTicket:
            return BuyTicket(data["c"], str(self.request.user.pk))

        def get_decider(self) -> Decider[BuyTicket, TicketWindow, SaleFact]:
            return ticket_sales

        def get_query(self, command: BuyTicket) -> Query:
            return sale_context(command)

    assert ask(Methods, {"c": "c"}, User(pk=7)).status_code == 201
    assert facts(sale)[-1] == TicketSold("c", "7")


def test_the_log_is_in_the_database_that_the_view_names(store: Store) -> None:
    append([ConferenceOpened("c", 2)], using=store.using)  # and no router says so
    assert ask(a_view(using=store.using), TICKET).status_code == 201
    assert len(facts(store.using)) == 2


class Nothing(CommandAPIView):
    command = BuyTicket


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (type("NoDecider", (Nothing,), {"query": sale_context}), r"NoDecider needs decider = .*get_decider"),
        (type("NoQuery", (Nothing,), {"decider": ticket_sales}), r"NoQuery needs query = .*get_query"),
        (a_view(query=lambda command: "event:c"), r"AView needs query = "),
        (a_view(command=Breaks), r"A command view reads Breaks: name a dataclass or a serializer"),
        (a_view(command=BuyTicket | OpenConference), r"name a dataclass or a serializer"),
    ],
)
def test_what_a_view_lacks_is_the_server_s_mistake_and_told_there(
    on_store: Store, view: Any, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask(view, TICKET)
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert record.exc_info is not None
    with pytest.raises(ImproperlyConfigured, match=told):
        raise record.exc_info[1]  # type: ignore[misc]


# Once, and only if


def test_the_same_key_again_is_answered_as_the_first_time(sale: str) -> None:
    first = ask(BuyTicketView, TICKET, **{"Idempotency-Key": "k"})
    append([TicketSold("c", "bob")], using=sale)
    again = ask(BuyTicketView, TICKET, **{"Idempotency-Key": "k"})
    assert (again.status_code, said(again)) == (201, said(first))
    assert {name: again[name] for name in ("Factos-Position", "ETag")} == {
        name: first[name] for name in ("Factos-Position", "ETag")
    }
    assert len(facts(sale)) == 3
    assert ask(BuyTicketView, TICKET).status_code == 422  # sold out


def test_nothing_to_do_is_repeated_as_such(sale: str) -> None:
    body, key = {"conference": "c", "capacity": 2}, {"Idempotency-Key": "k"}
    first = ask(OpenConferenceView, body, User(pk=7), **key)
    again = ask(OpenConferenceView, body, User(pk=7), **key)
    assert (again.status_code, said(again), again["ETag"]) == (200, said(first), first["ETag"])


def test_a_key_is_for_one_command(sale: str) -> None:
    assert ask(BuyTicketView, TICKET, **{"Idempotency-Key": "k"}).status_code == 201
    answer = ask(BuyTicketView, {**TICKET, "buyer": "bob"}, **{"Idempotency-Key": "k"})
    assert (answer.status_code, said(answer)["type"]) == (422, "urn:factos:idempotency-key-reused")


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused(sale: str, key: str) -> None:
    assert ask(BuyTicketView, TICKET, **{"Idempotency-Key": key}).status_code == 400
    assert len(facts(sale)) == 1


def test_a_project_may_make_the_keys_its_own(sale: str) -> None:
    view = a_view(get_idempotency_key=lambda self, request: f"shop:{request.headers['Idempotency-Key']}")
    assert ask(view, TICKET, **{"Idempotency-Key": "k"}).status_code == 201
    assert Event.objects.using(sale).get(type="TicketSold").metadata["idempotency_key"] == "shop:k"


def test_a_command_counts_only_on_the_context_that_the_client_saw(sale: str) -> None:
    seen = etag_of(SALE, Event.objects.using(sale).get().position)
    first = ask(BuyTicketView, TICKET, **{"If-Match": seen})
    assert first.status_code == 201
    late = ask(BuyTicketView, {**TICKET, "buyer": "bob"}, **{"If-Match": seen})
    assert (late.status_code, late["Content-Type"]) == (412, PROBLEM)
    assert said(late)["type"] == "urn:factos:context-moved"
    assert len(facts(sale)) == 2
    assert ask(BuyTicketView, {**TICKET, "buyer": "bob"}, **{"If-Match": first["ETag"]}).status_code == 201


def test_an_answer_has_the_etag_of_its_context_after_it(sale: str) -> None:
    answer = ask(BuyTicketView, TICKET)
    assert answer["ETag"] == etag_of(SALE, said(answer)["position"])
    nothing = ask(OpenConferenceView, {"conference": "c", "capacity": 2}, User(pk=7))
    context = opening_context(OpenConference("c", 2))
    assert nothing["ETag"] == etag_of(context, said(nothing)["position"])


def test_facts_that_are_not_in_the_context_do_not_move_its_etag(sale: str) -> None:
    openings = Query.of(QueryItem(types=[ConferenceOpened], tags=["event:c"]))
    decider: Decider[Any, None, Any] = Decider(
        None, lambda state, command: [TicketSold("c", command.buyer)], lambda state, event: state
    )
    view = a_view(query=openings, decider=decider)
    opened = Event.objects.using(sale).get()
    first = ask(view, TICKET, **{"Idempotency-Key": "k"})
    assert first["ETag"] == etag_of(openings, opened.position)
    again = ask(view, TICKET, **{"Idempotency-Key": "k"})
    assert said(again) == said(first)
    assert "ETag" not in again  # what its context was then, nobody knows now


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("*", 201),
        (" * ", 201),
        ('{seen}, "another"', 201),
        ('"another" ,, {seen}', 201),
        ('W/"x",{seen}', 201),
        ('"another", "third"', 412),
        ("W/{seen}", 412),
        ('"a,b"', 412),
        ('""', 412),
        ("", 400),
        (",", 400),
        ("another", 400),
        ("{seen}, *", 400),
        ('"open', 400),
    ],
)
def test_if_match_is_read_as_http_has_it(sale: str, header: str, status: int) -> None:
    seen = etag_of(SALE, Event.objects.using(sale).get().position)
    answer = ask(BuyTicketView, TICKET, **{"If-Match": header.format(seen=seen)})
    assert answer.status_code == status
    assert len(facts(sale)) == (2 if status == 201 else 1)
    if status == 400:
        assert said(answer)["type"] == "urn:factos:invalid-if-match"


def test_a_context_of_another_query_is_another_one(sale: str) -> None:
    position = Event.objects.using(sale).get().position
    assert ask(BuyTicketView, TICKET, **{"If-Match": etag_of(Query.all(), position)}).status_code == 412


def test_an_empty_context_has_an_etag_too(on_store: Store) -> None:
    context = opening_context(OpenConference("c", 2))
    header = {"If-Match": etag_of(context, 0)}
    body = {"conference": "c", "capacity": 2}
    assert ask(OpenConferenceView, body, User(pk=7), **header).status_code == 201
    assert ask(OpenConferenceView, body, User(pk=7), **header).status_code == 412


def test_a_context_that_moved_comes_before_what_would_be_decided_on_it(sale: str) -> None:
    append([TicketSold("c", "b"), TicketSold("c", "d")], using=sale)
    seen = etag_of(SALE, Event.objects.using(sale).order_by("position")[0].position)
    assert ask(BuyTicketView, TICKET, **{"If-Match": seen}).status_code == 412
    assert ask(BuyTicketView, TICKET).status_code == 422


def test_the_context_is_compared_under_the_guard(sale: str) -> None:
    def get_query(self: Any, command: Any) -> Query:
        append([TicketSold("c", "another")], using=sale)  # after the request came, before the decision
        return sale_context(command)

    seen = etag_of(SALE, Event.objects.using(sale).get().position)
    assert ask(a_view(get_query=get_query), TICKET, **{"If-Match": seen}).status_code == 412
    assert TicketSold("c", "ada") not in facts(sale)


def test_of_several_who_saw_the_same_one_is_let_through(sale: str) -> None:
    view = a_view(authentication_classes=[])
    seen = etag_of(SALE, Event.objects.using(sale).get().position)

    def buy(number: int) -> int:
        try:
            return int(ask(view, {**TICKET, "buyer": f"b{number}"}, **{"If-Match": seen}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(buy, range(6))) == [201, 412, 412, 412, 412, 412]
    assert len(facts(sale)) == 2


def test_what_was_done_before_is_answered_though_its_context_has_moved_since(sale: str) -> None:
    seen = etag_of(SALE, Event.objects.using(sale).get().position)
    headers = {"Idempotency-Key": "k", "If-Match": seen}
    first = ask(BuyTicketView, TICKET, **headers)
    again = ask(BuyTicketView, TICKET, **headers)
    assert (first.status_code, again.status_code, said(again)) == (201, 201, said(first))


def test_a_key_of_what_was_not_done_is_free(sale: str) -> None:
    stale = {"Idempotency-Key": "k", "If-Match": '"stale"'}
    assert ask(BuyTicketView, TICKET, **stale).status_code == 412
    assert ask(BuyTicketView, TICKET, **{"Idempotency-Key": "k"}).status_code == 201


# Transactions


@pytest.fixture
def atomic_requests(sale: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(connections[sale].settings_dict, "ATOMIC_REQUESTS", True)
    monkeypatch.setitem(connections.settings[sale], "ATOMIC_REQUESTS", True)
    return sale


def own_rows(using: str) -> list[str]:
    return list(Group.objects.using(using).values_list("name", flat=True))


def post(path: str, body: Any = None, **headers: str) -> Any:
    return a_client().post(path, body or TICKET, content_type="application/json", headers=headers)


def test_with_atomic_requests_own_rows_and_facts_are_committed_together(atomic_requests: str) -> None:
    answer = post("/buy-noted/")
    assert answer.status_code == 201
    assert own_rows(atomic_requests) == ["ticket of ada"]
    assert facts(atomic_requests)[-1] == TicketSold("c", "ada")


@pytest.mark.parametrize("key", [{}, {"If-Match": '"stale"'}])
def test_with_atomic_requests_a_refusal_rolls_back_what_the_view_wrote(
    atomic_requests: str, key: dict[str, str]
) -> None:
    append([TicketSold("c", "b"), TicketSold("c", "d")], using=atomic_requests)
    assert post("/buy-noted/", **key).status_code == (412 if key else 422)
    assert own_rows(atomic_requests) == []


def test_with_atomic_requests_a_conflict_rolls_back_what_the_view_wrote(atomic_requests: str) -> None:
    assert post("/conflict/").status_code == 409
    assert own_rows(atomic_requests) == []
    assert len(facts(atomic_requests)) == 1


def test_with_atomic_requests_a_view_with_the_project_s_manners_rolls_back_too(
    atomic_requests: str, settings: Any
) -> None:
    client = a_client()
    append([TicketSold("c", "b"), TicketSold("c", "d")], using=atomic_requests)
    answer = client.put("/plain/", TICKET, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (422, PROBLEM)
    assert own_rows(atomic_requests) == []


def test_own_rows_are_written_in_the_same_transaction_by_overriding(sale: str) -> None:
    def perform_command(self: Any, command: Any) -> Dispatched[Any]:
        with transaction.atomic(using=sale):
            done = BuyTicketView.perform_command(self, command)
            Group.objects.using(sale).create(name=f"{done.position}")
            if command.buyer == "late":
                raise Odd(thing="too late")
            return done

    view = a_view(perform_command=perform_command)
    assert ask(view, {**TICKET, "buyer": "late"}).status_code == 422
    assert (own_rows(sale), len(facts(sale))) == ([], 1)
    answer = ask(view, TICKET)
    assert own_rows(sale) == [str(said(answer)["position"])]


def test_a_transaction_around_the_method_is_rolled_back_by_a_refusal(sale: str) -> None:
    class Around(BuyTicketView):
        def post(self, request: Any, *args: Any, **kwargs: Any) -> Response:
            with transaction.atomic(using=sale):
                Group.objects.using(sale).create(name="around")
                return super().post(request)

    assert ask(Around, TICKET).status_code == 201
    Group.objects.using(sale).all().delete()
    append([TicketSold("c", "b")], using=sale)
    assert ask(Around, TICKET).status_code == 422
    assert own_rows(sale) == []


def test_own_rows_and_facts_are_tried_again_together(sale: str) -> None:
    tries: list[int] = []

    class Again(BuyTicketView):
        @retrying(using=sale)
        def perform_command(self, command: Any) -> Dispatched[Any]:
            Group.objects.using(sale).create(name="row")
            done = super().perform_command(command)
            tries.append(done.position)
            if len(tries) == 1:
                raise RetryTransaction(using=sale, reason="deadlock")
            return done

    answer = ask(Again, TICKET)
    assert (answer.status_code, len(tries), own_rows(sale)) == (201, 2, ["row"])
    assert len(facts(sale)) == 2


# Who asked


def actor(using: str) -> Any:
    return Event.objects.using(using).get(type="TicketSold").metadata.get("actor")


def test_the_user_is_the_actor(sale: str) -> None:
    ask(BuyTicketView, TICKET, User(pk=7))
    assert actor(sale) == "7"


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_nobody_is_no_actor(sale: str, user: Any) -> None:
    ask(BuyTicketView, TICKET, user)
    assert actor(sale) is None


def test_what_the_project_says_of_the_actor_counts(sale: str) -> None:
    with stamp(actor="cron"):
        ask(BuyTicketView, TICKET, User(pk=7))
    assert actor(sale) == "cron"


def test_what_the_view_says_of_the_facts_counts_most(sale: str) -> None:
    view = a_view(
        get_metadata=lambda self, command: {"actor": f"shop:{command.buyer}", "source_context": "x"}
    )
    with stamp(actor="cron", correlation_id="c-1"):
        ask(view, TICKET, User(pk=7))
    metadata = Event.objects.using(sale).get(type="TicketSold").metadata
    assert metadata == {"actor": "shop:ada", "source_context": "x", "correlation_id": "c-1"}


def test_the_user_is_the_actor_in_a_request_with_stamps_too(sale: str) -> None:
    user = User.objects.create_user("ada")
    a_client(user).post("/buy/", TICKET, content_type="application/json", headers={"X-Request-ID": "r-1"})
    metadata = Event.objects.using(sale).get(type="TicketSold").metadata
    assert (metadata["actor"], metadata["operation_id"]) == (str(user.pk), "r-1")


# Whose manners


class Mixed(CommandMixin, APIView):
    """A view of the project's."""

    command = BuyTicket
    decider = ticket_sales
    query = sale_context
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]

    def post(self, request: Any) -> Response:
        return self.handle_command(request)


class Generic(CommandMixin, GenericAPIView[Any]):
    command = BuyTicket
    decider = ticket_sales
    query = sale_context

    def post(self, request: Any) -> Response:
        return self.handle_command(request)


class MixedLast(GenericAPIView[Any], CommandMixin):
    command = BuyTicket
    decider = ticket_sales
    query = sale_context

    def post(self, request: Any) -> Response:
        return self.handle_command(request)


@pytest.mark.parametrize("view", [Mixed, Generic, MixedLast])
def test_any_view_takes_commands_by_the_mixin(sale: str, view: Any) -> None:
    answer = ask(view, TICKET)
    assert (answer.status_code, answer["Content-Type"]) == (201, "application/json")
    assert answer["ETag"] == etag_of(SALE, said(answer)["position"])
    assert ask(view, {**TICKET, "x": 1})["Content-Type"] == PROBLEM
    append([TicketSold("c", "b")], using=sale)
    assert said(ask(view, TICKET))["code"] == "SoldOut"


def test_actions_of_a_view_set_take_each_their_command(on_store: Store) -> None:
    client = a_client()
    conference = {"conference": "c", "capacity": 1}
    assert client.post("/sale/open/", conference, content_type="application/json").status_code == 201
    assert client.post("/sale/buy/", TICKET, content_type="application/json").status_code == 201
    refused = client.post("/sale/buy/", TICKET, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (422, "SoldOut")


def test_other_errors_of_such_a_view_are_answered_as_the_project_has_it(on_store: Store) -> None:
    answer = a_client().put("/plain/?lost=1", TICKET, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert (
        a_client().put("/plain/", "{", content_type="application/json")["Content-Type"] == "application/json"
    )


def test_a_form_is_no_command(on_store: Store) -> None:
    answer = a_client().put(
        "/plain/", "conference=c&buyer=a", content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 415


def test_people_get_a_page_with_the_problem_where_the_view_has_pages(on_store: Store) -> None:
    answer = ask(Mixed, TICKET, Accept="text/html")
    assert answer.status_code == 422
    assert answer["Content-Type"].startswith("text/html")
    assert b"SoldOut" in answer.content


def test_what_a_command_view_names_for_itself_counts(sale: str) -> None:
    class Never(BasePermission):
        def has_permission(self, request: Any, view: Any) -> bool:
            return False

    class Full(BaseThrottle):
        def allow_request(self, request: Any, view: Any) -> bool:
            return False

        def wait(self) -> float:
            return 7.2

    assert ask(a_view(permission_classes=[Never]), TICKET, User(pk=7)).status_code == 403
    full = ask(a_view(throttle_classes=[Full]), TICKET)
    assert (full.status_code, full["Content-Type"]) == (429, PROBLEM)
    assert int(full["Retry-After"]) >= 8
    basic = a_view(authentication_classes=[BasicAuthentication], permission_classes=[IsAuthenticated])
    answer = ask(basic, TICKET)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Basic realm="api"')
    assert len(facts(sale)) == 1


def test_a_command_view_may_take_forms_by_a_serializer(sale: str) -> None:
    view = a_view(
        parser_classes=[FormParser],
        command=BuyAtView.command,
        get_command=lambda self, data: BuyTicket("c", data["buyer"]),
    )
    request = APIRequestFactory().post("/", "buyer=ada", content_type="application/x-www-form-urlencoded")
    assert view.as_view()(request).status_code == 201


def test_where_a_command_view_names_nothing_the_project_s_own_counts(sale: str, settings: Any) -> None:
    name = "rest_framework.permissions.IsAuthenticated"
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_PERMISSION_CLASSES": [name]}
    assert ask(BuyTicketView, TICKET).status_code == 403
    assert ask(BuyTicketView, TICKET, User(pk=7)).status_code == 201
    answer = a_client().get("/buy/")
    assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)


def test_a_command_is_a_post(on_store: Store) -> None:
    answer = a_client().get("/buy/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")


def test_a_session_needs_the_token_against_forged_requests(sale: str) -> None:
    client = ApiClient(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("ada"))
    answer = client.post("/buy/", TICKET, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)
