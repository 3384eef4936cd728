"""The demo in numbers: they are counted, and what is wrong is an error."""

from __future__ import annotations

import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from demo_project.ticketing.domain import ConferenceOpened, TicketSold
from factos_django.registry import PROJECTIONS
from factos_django.store import append

pytestmark = pytest.mark.django_db


@pytest.fixture
def sold(run_projections):
    append([ConferenceOpened("gleamconf", 2), TicketSold("gleamconf", "ada"), TicketSold("gleamconf", "ida")])
    run_projections()


def summed_up(*options):
    out = StringIO()
    call_command("sum_up_demo", "--no-color", *options, stdout=out)
    return out.getvalue()


def test_it_counts_facts_projections_and_mails(sold, deliver_effects):
    deliver_effects()
    title, *rows = summed_up().splitlines()
    assert title == "All is right"
    number = sum(each.takes_part("default") for each in PROJECTIONS)
    assert [row.split(maxsplit=2)[:2] for row in rows] == [
        ["facts", "3"],
        ["projections", f"{number}"],
        ["mails", "2"],
    ]
    assert rows[0].endswith("of 2 types")


def test_it_tells_the_seconds_since_it_began(sold, deliver_effects):
    deliver_effects()
    name, seconds = summed_up(f"--since={time.time() - 100:.0f}").splitlines()[-1].split()
    assert name == "seconds"
    assert float(seconds) >= 99


def test_a_ticket_without_a_mail_is_an_error(sold):
    with pytest.raises(CommandError, match=r"^2 of 2 tickets are not announced\.$"):
        summed_up()


def test_a_row_that_is_wrong_is_an_error(sold, deliver_effects):
    deliver_effects()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ticketing_conferencesales SET sold = 1")
    with pytest.raises(CommandError, match=r"^rows of ticketing\.sales are wrong: 1\.$"):
        summed_up()
