"""How views name their commands, and what they take and answer; the same on every store."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation
from django.utils.translation import gettext_lazy
from rest_framework.authentication import BasicAuthentication
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import FormParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import BaseThrottle

from demo_project.ticketing.domain import (
    BuyTicket,
    OpenConference,
    SaleFact,
    TicketSold,
    TicketWindow,
    evolve,
    sale_context,
    sale_facts,
    ticket_sales,
)
from factos_django import Decider, DomainError, Query
from factos_django.core.errors import OutcomeUnknown, RetryTransaction, StoreBusy
from factos_django.dispatch import Dispatched
from factos_django.models import Event
from factos_django.rest_framework import CommandAPIView, CommandMixin
from factos_django.rest_framework.context_etag import etag_of
from factos_django.store import append
from tests.rest.clients import ApiClient, a_client
from tests.rest.commands.asking import PROBLEM, SALE, TICKET, Mixed, Odd, a_view, ask, facts, said
from tests.rest.commands.urls import (
    BuyAtView,
    BuyTicketView,
    PlaceOrderView,
)
from tests.stores import Store, on_databases

pytestmark = on_databases("default")


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


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused(sale: str, key: str) -> None:
    assert ask(BuyTicketView, TICKET, **{"Idempotency-Key": key}).status_code == 400
    assert len(facts(sale)) == 1


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


# Whose manners


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
