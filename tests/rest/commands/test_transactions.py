"""Commands beside rows of the project's own, on every store."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections, transaction
from rest_framework.response import Response

from demo_project.ticketing.domain import (
    TicketSold,
)
from factos_django.core.errors import RetryTransaction
from factos_django.dispatch import Dispatched, retrying
from factos_django.store import append
from tests.rest.clients import a_client
from tests.rest.commands.asking import PROBLEM, TICKET, Odd, a_view, ask, facts, said
from tests.rest.commands.urls import (
    BuyTicketView,
)
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])


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
