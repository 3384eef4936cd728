"""The shop's tests as pytest-django runs them."""

from collections.abc import Callable
from urllib.request import urlopen

import pytest
from django.core import mail
from django.test import Client

from factos_django import Delivery
from factos_django.models import Event

from .domain import MailTicket
from .sale import THREADS, buy, log_of, open_hall, rush, seats_sold


@pytest.mark.django_db
def test_a_seat_is_sold_once(client: Client) -> None:
    open_hall("attic", 1)
    assert client.get("/sell/attic/renata/").content == b"sold"
    assert client.get("/sell/attic/ada/").content == b"full"
    assert seats_sold("attic") == 1


@pytest.mark.django_db
def test_the_fixtures_of_the_app_deliver_what_is_pending(
    deliver_effects: Callable[..., list[Delivery]],
    pending_effects: Callable[..., list[object]],
    run_projections: Callable[..., tuple[object, ...]],
) -> None:
    open_hall("attic", 1)
    assert buy("attic", "renata")
    assert pending_effects() == [MailTicket("attic", "renata")]
    assert len(deliver_effects()) == 1
    assert [each.to for each in mail.outbox] == [["renata@example.org"]]
    assert run_projections() == ()


def test_a_seat_is_sold_and_committed(transactional_db: None) -> None:
    open_hall("attic", 1)
    assert [buy("attic", "renata"), buy("attic", "ada")] == [True, False]


@pytest.mark.parametrize("seats", [7, 3])
def test_threads_do_not_oversell(transactional_db: None, seats: int) -> None:
    assert not Event.objects.exclude(tag__value="hall:opera").exists()
    open_hall("attic", seats)
    assert rush("attic", attempts=5) == {True: seats, False: 5 * THREADS - seats}
    assert seats_sold("attic") == seats


@pytest.mark.parametrize("buyer", ["renata", "ada"])
def test_a_page_sells(live_server: object, buyer: str) -> None:
    open_hall("attic", 1)
    with urlopen(f"{live_server}/sell/attic/{buyer}/", timeout=10) as response:
        assert response.read() == b"sold"
    assert seats_sold("attic") == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("buyer", ["renata", "ada"])
def test_the_fact_of_a_migration_is_put_back(buyer: str) -> None:
    assert [each.event for each in log_of("opera")]
    assert buy("opera", buyer)
    assert seats_sold("opera") == 1
