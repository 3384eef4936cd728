"""The commands of ticketing over HTTP."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from demo_project.settings import FACTOS_API_PERMISSIONS
from demo_project.ticketing.domain import ConferenceOpened, TicketSold
from factos_django import Query
from factos_django.store import read

pytestmark = pytest.mark.django_db

OPEN, BUY = "/commands/ticketing/open-conference/", "/commands/ticketing/buy-ticket/"


@pytest.fixture
def anybody():
    return APIClient(enforce_csrf_checks=True)


def post(client, path, **command):
    return client.post(path, command, format="json")


def test_anybody_opens_a_conference_and_buys_until_it_is_sold_out(anybody):
    assert post(anybody, OPEN, conference="djangocon", capacity=1).status_code == 201
    bought = post(anybody, BUY, conference="djangocon", buyer="ada")
    assert bought.status_code == 201
    refused = post(anybody, BUY, conference="djangocon", buyer="eve")
    assert refused.status_code == 422
    assert (refused.json()["code"], refused.json()["fields"]) == ("SoldOut", {"capacity": 1})
    assert [each.event for each in read(Query.all())] == [
        ConferenceOpened("djangocon", 1),
        TicketSold("djangocon", "ada"),
    ]


def test_to_open_it_again_is_nothing_to_do_and_with_another_capacity_refused(anybody):
    post(anybody, OPEN, conference="djangocon", capacity=2)
    again = post(anybody, OPEN, conference="djangocon", capacity=2)
    assert (again.status_code, again.json()["events"]) == (200, [])
    other = post(anybody, OPEN, conference="djangocon", capacity=3)
    assert (other.status_code, other.json()["code"]) == (422, "AlreadyOpen")
    none = post(anybody, OPEN, conference="empty", capacity=0)
    assert (none.status_code, none.json()["code"]) == (422, "NothingToSell")


def test_whoever_is_logged_in_by_a_session_needs_the_token(anybody):
    anybody.force_login(User.objects.create_user("ada"))
    assert post(anybody, OPEN, conference="djangocon", capacity=1).status_code == 403


def test_what_does_not_fit_is_told_where(anybody):
    wrong = post(anybody, BUY, conference="djangocon", buyer=5)
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (400, "$.buyer")


def test_the_commands_are_described_at_their_addresses_and_nothing_else_is(client, settings):
    settings.FACTOS_API_PERMISSIONS = FACTOS_API_PERMISSIONS
    described = client.get("/commands/schema/").json()
    assert {OPEN, BUY} <= set(described["paths"])
    assert all(path.startswith("/commands/") for path in described["paths"])
    assert described["paths"][BUY]["post"]["description"].startswith("Sells one ticket")
    page = client.get("/commands/docs/").content.decode()
    assert 'data-schema="../schema/"' in page
