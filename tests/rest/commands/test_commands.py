"""What comes of a command, on every store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connections

from demo_project.ticketing.domain import (
    ConferenceOpened,
    OpenConference,
    TicketSold,
    opening_context,
    sale_context,
)
from factos_django import Decider, Query, QueryItem
from factos_django.dispatch import stamp
from factos_django.models import Event
from factos_django.rest_framework.context_etag import etag_of
from factos_django.store import append
from tests.rest.clients import a_client
from tests.rest.commands.asking import PROBLEM, SALE, TICKET, a_view, ask, facts, said
from tests.rest.commands.urls import (
    BuyTicketView,
    ConflictView,
    OpenConferenceView,
)
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])


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
        "title": HTTPStatus(422).phrase,  # Python 3.13 knows a newer one
        "status": 422,
        "detail": "The conference has no ticket left.",
        "code": "SoldOut",
        "fields": {"capacity": 2},
    }
    assert len(facts(sale)) == 3


def test_a_context_that_moved_is_answered_without_what_moved_it(sale: str) -> None:
    answer = ask(ConflictView, TICKET)
    assert (answer.status_code, said(answer)["type"]) == (409, "urn:factos:append-condition-failed")
    position = str(Event.objects.using(sale).get().position)
    assert position not in said(answer)["detail"]
    assert set(said(answer)) == {"type", "title", "status", "detail"}


def test_the_log_is_in_the_database_that_the_view_names(store: Store) -> None:
    append([ConferenceOpened("c", 2)], using=store.using)  # and no router says so
    assert ask(a_view(using=store.using), TICKET).status_code == 201
    assert len(facts(store.using)) == 2


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
    with stamp(correlation_id="c-1"):
        ask(view, TICKET, User(pk=7))
    metadata = Event.objects.using(sale).get(type="TicketSold").metadata
    assert metadata == {"actor": "shop:ada", "source_context": "x", "correlation_id": "c-1"}


def test_the_user_is_the_actor_in_a_request_with_stamps_too(sale: str) -> None:
    user = User.objects.create_user("ada")
    a_client(user).post("/buy/", TICKET, content_type="application/json", headers={"X-Request-ID": "r-1"})
    metadata = Event.objects.using(sale).get(type="TicketSold").metadata
    assert (metadata["actor"], metadata["operation_id"]) == (str(user.pk), "r-1")
