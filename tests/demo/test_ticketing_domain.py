import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from demo_project.settings import BASE_DIR
from demo_project.ticketing.domain import (
    AlreadyOpen,
    BuyTicket,
    ConferenceOpened,
    HourSales,
    NothingToSell,
    OpenConference,
    SoldOut,
    TicketSold,
    TicketWindow,
    conference_of,
    conference_openings,
    conference_sales,
    every_sale,
    every_ticket,
    hour_of,
    hour_sales,
    opening_context,
    sale_context,
    sales_by_conference,
    ticket_sales,
    tickets_sold,
)
from factos_django import compute_state
from factos_django.core.event_types import type_of
from factos_django.core.satisfiability import unsatisfiable_items
from factos_django.testing import given

GLEAM = "gleamconf-2026"
OPENED = ConferenceOpened(GLEAM, 2)
ELSEWHERE = (ConferenceOpened("djangocon", 1), TicketSold("djangocon", "ada"), TicketSold("djangocon", "eve"))


def buy(*facts):
    """What comes of a sale to renata, among facts of another conference."""
    command = BuyTicket(GLEAM, "renata")
    return given(*ELSEWHERE, *facts).when(command, decider=ticket_sales, query=sale_context)


def open_(*facts, capacity=2):
    """What comes of an opening, among facts of another conference."""
    command = OpenConference(GLEAM, capacity)
    return given(*ELSEWHERE, *facts).when(command, decider=conference_openings, query=opening_context)


def test_a_ticket_is_sold_while_there_is_one_left():
    buy(OPENED, TicketSold(GLEAM, "ada")).then(TicketSold(GLEAM, "renata"))


def test_a_full_conference_is_sold_out():
    buy(OPENED, TicketSold(GLEAM, "ada"), TicketSold(GLEAM, "grace")).then_raises(SoldOut(capacity=2))


def test_a_conference_that_never_opened_has_nothing_to_sell():
    buy().then_raises(SoldOut(capacity=0))


def test_a_sale_leaves_one_ticket_less():
    window = compute_state(ticket_sales, TicketWindow(capacity=2, sold=0), BuyTicket(GLEAM, "ada"))
    assert (window, window.left) == (TicketWindow(capacity=2, sold=1), 1)


def test_a_new_conference_opens():
    open_(capacity=100).then(ConferenceOpened(GLEAM, 100))


def test_an_open_conference_opened_again_is_nothing_to_do():
    open_(OPENED, capacity=2).then_nothing()


def test_an_open_conference_keeps_its_capacity():
    open_(OPENED, capacity=3).then_raises(AlreadyOpen(capacity=2))


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_conference_without_tickets_does_not_open(capacity):
    open_(capacity=capacity).then_raises(NothingToSell(capacity=capacity))


def test_the_first_capacity_on_record_counts():
    open_(OPENED, ConferenceOpened(GLEAM, 9), capacity=9).then_raises(AlreadyOpen(capacity=2))


def test_sales_are_told_apart_by_conference():
    sales = {GLEAM: TicketWindow(capacity=2, sold=1), "djangocon": TicketWindow(capacity=1, sold=2)}
    given(OPENED, *ELSEWHERE, TicketSold(GLEAM, "bob")).project(sales_by_conference).then(sales)


def test_the_row_of_a_conference_counts_what_is_left_of_it():
    row = given(OPENED, TicketSold(GLEAM, "ada"), TicketSold(GLEAM, "bob")).project(conference_sales)
    row.then(TicketWindow(capacity=2, sold=2))


def test_a_conference_that_sold_before_it_opened_has_its_tickets_counted():
    row = given(TicketSold(GLEAM, "ada"), OPENED).project(conference_sales)
    row.then(TicketWindow(capacity=2, sold=1))


def test_the_row_of_an_hour_counts_its_tickets():
    given(TicketSold(GLEAM, "ada"), TicketSold(GLEAM, "bob")).project(hour_sales).then(HourSales(sold=2))


def test_a_fact_belongs_to_the_row_of_its_conference():
    facts = given(OPENED, *ELSEWHERE).facts
    assert [conference_of(each) for each in facts] == [GLEAM, "djangocon", "djangocon", "djangocon"]


@pytest.mark.parametrize(
    ("recorded_at", "hour"),
    [
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), 1),
        (datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=UTC), 1),
        (datetime(2026, 3, 29, 2, 0, tzinfo=UTC), 2),
        (datetime(2026, 3, 29, 8, 15, tzinfo=timezone(timedelta(hours=5, minutes=30))), 2),
    ],
)
def test_a_ticket_belongs_to_the_row_of_its_hour_in_utc(recorded_at, hour):
    [ticket] = given(TicketSold(GLEAM, "ada")).facts
    key = hour_of(replace(ticket, recorded_at=recorded_at))
    assert key == (GLEAM, datetime(2026, 3, 29, hour, tzinfo=UTC))
    assert key[1].utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("query", "matched"),
    [
        (sale_context(BuyTicket(GLEAM, "renata")), {"opened", "sold"}),
        (opening_context(OpenConference(GLEAM, 2)), {"opened"}),
        (tickets_sold(GLEAM), {"sold"}),
        (every_sale(), {"opened", "sold", "elsewhere"}),
        (every_ticket(), {"sold", "elsewhere"}),
    ],
    ids=["sale", "opening", "tickets", "every sale", "every ticket"],
)
def test_a_query_matches_the_facts_that_it_should(query, matched):
    facts = {"opened": OPENED, "sold": TicketSold(GLEAM, "ada"), "elsewhere": TicketSold("djangocon", "ada")}
    assert {name for name, fact in facts.items() if query.matches(Stored(fact))} == matched
    assert unsatisfiable_items(query) == ()


class Stored:
    """A fact as a query sees it."""

    def __init__(self, event):
        self.type = type_of(event).name
        self.tags = type_of(event).tags_of(event)


def test_facts_are_stored_under_these_names_and_fields():
    """They are in databases: a change needs a new version and an upcaster."""
    facts = (OPENED, TicketSold(GLEAM, "ada"))
    stored = {type_of(fact).name: [field.name for field in fields(fact)] for fact in facts}
    assert stored == {"ConferenceOpened": ["conference", "capacity"], "TicketSold": ["conference", "buyer"]}


BLOCKED = """
import sys
for name in ("django", "celery", "rest_framework"):
    sys.modules[name] = None
import {module}
"""


def imported_without_django(module):
    command = [sys.executable, "-c", BLOCKED.format(module=module)]
    return subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)


def test_the_domain_imports_where_django_celery_and_rest_framework_cannot_be():
    done = imported_without_django("demo_project.ticketing.domain")
    assert done.returncode == 0, done.stderr


def test_a_module_that_needs_django_does_not_import_there():
    assert "import of django halted" in imported_without_django("demo_project.ticketing.pages").stderr
