import re
from datetime import UTC, datetime, timedelta
from html import unescape
from types import SimpleNamespace

import pytest
from django.contrib.staticfiles import finders

from demo_project.ticketing.domain import ConferenceOpened, TicketSold
from demo_project.ticketing.models import ConferenceSales
from factos_django.projections import catch_up
from factos_django.store import append, recording

pytestmark = pytest.mark.django_db


def text_of(response):
    """What a reader sees, with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def at_time(monkeypatch, moment):
    """Let facts be recorded at this moment from now on."""
    monkeypatch.setattr(recording, "datetime", SimpleNamespace(now=lambda zone: moment.astimezone(zone)))


def test_an_empty_home_page_says_what_to_do(client):
    assert "No conference is open yet" in text_of(client.get("/tickets/"))
    assert "python manage.py sell_tickets" in text_of(client.get("/tickets/"))


def test_the_home_page_counts_the_tickets_of_each_conference(client):
    append([ConferenceOpened("gleamconf-2026", 100), ConferenceOpened("djangocon", 1)])
    append([TicketSold("gleamconf-2026", "ada"), TicketSold("gleamconf-2026", "eve")])
    append([TicketSold("djangocon", "bob")])
    text = text_of(client.get("/tickets/"))
    assert "djangocon 1 1 Sold out gleamconf-2026 2 100 98 left" in text


def test_a_conference_page_shows_its_tickets_newest_first(client):
    append([ConferenceOpened("djangocon", 2), TicketSold("djangocon", "ada"), TicketSold("djangocon", "bob")])
    append([ConferenceOpened("gleamconf-2026", 1), TicketSold("gleamconf-2026", "eve")])
    text = text_of(client.get("/tickets/djangocon/"))
    assert "Sold 2 Capacity 2 State Sold out" in text
    assert text.index("bob") < text.index("ada")
    assert "eve" not in text
    assert re.search(r"ada \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)


def test_a_conference_page_shows_the_latest_hundred_tickets(client):
    tickets = [TicketSold("djangocon", f"buyer-{number}.") for number in range(101)]
    append([ConferenceOpened("djangocon", 500), *tickets])
    text = text_of(client.get("/tickets/djangocon/"))
    assert "The latest 100 tickets, newest first" in text
    assert ("buyer-100." in text, "buyer-1." in text, "buyer-0." in text) == (True, True, False)


def test_the_count_of_a_conference_comes_from_its_row_and_folds_nothing(client, django_assert_num_queries):
    append([ConferenceOpened("djangocon", 9), *[TicketSold("djangocon", f"{n}") for n in range(7)]])
    with django_assert_num_queries(1) as asked:
        assert "djangocon 7 9 2 left" in text_of(client.get("/tickets/"))
    assert ConferenceSales._meta.db_table in asked.captured_queries[0]["sql"]


def test_a_conference_page_shows_its_sales_by_hour_up_to_where_the_follower_has_come(client):
    append([ConferenceOpened("djangocon", 9), TicketSold("djangocon", "ada"), TicketSold("gleamconf", "eve")])
    [caught_up] = catch_up("ticketing.sales_by_hour")
    [late] = append([TicketSold("djangocon", "late")])
    text = text_of(client.get("/tickets/djangocon/"))
    assert f"applied up to position {caught_up.position} Hour Sold" in text
    assert caught_up.position < late.position
    assert "Sold 2" in text  # written with the facts
    assert re.search(r"Hour Sold \d{4}-\d\d-\d\d \d\d:00 UTC 1 Tickets", text)  # what the follower knows


def test_the_hours_are_shown_newest_first(client, monkeypatch):
    began = datetime(2026, 11, 24, 22, 59, 59, tzinfo=UTC)
    for hours, sold in ((0, 2), (1, 1), (2, 3)):
        at_time(monkeypatch, began + timedelta(hours=hours))
        append([TicketSold("djangocon", f"{hours}-{n}") for n in range(sold)])
    catch_up("ticketing.sales_by_hour")
    hours = "2026-11-25 00:00 UTC 3 2026-11-24 23:00 UTC 1 2026-11-24 22:00 UTC 2"
    assert hours in text_of(client.get("/tickets/djangocon/"))


def test_a_conference_page_says_what_to_do_while_no_follower_has_come(client):
    append([ConferenceOpened("djangocon", 9)])
    assert "run_projections" not in text_of(client.get("/tickets/djangocon/"))
    append([TicketSold("djangocon", "ada")])
    text = text_of(client.get("/tickets/djangocon/"))
    assert "applied up to position 0" in text
    assert "python manage.py run_projections" in text


def test_a_conference_without_tickets_says_so(client):
    append([ConferenceOpened("djangocon", 2)])
    assert "No ticket is sold yet." in text_of(client.get("/tickets/djangocon/"))


@pytest.mark.parametrize("name", ["nowhere", "DjangoCon", "djangocon%20", "a%01b", "%00", "x" * 300])
def test_an_unknown_or_impossible_conference_is_not_found(client, name):
    append([ConferenceOpened("djangocon", 2)])
    assert client.get(f"/tickets/{name}/").status_code == 404


@pytest.mark.parametrize("name", ["a/b", "ünïcode 🎟", "50%", "a?b#c", "<b>&\"'"])
def test_a_conference_of_any_name_is_linked_escaped_and_found(client, name):
    append([ConferenceOpened(name, 2), TicketSold(name, "<script>alert(1)</script>")])
    home = client.get("/tickets/").content.decode()
    link = re.search(r'<th scope="row"><a href="([^"]+)"', home)
    assert link is not None
    page = client.get(unescape(link[1]))
    assert page.status_code == 200
    assert "<script" not in page.content.decode()


def test_the_pages_are_read_only(client):
    assert client.post("/tickets/").status_code == 405
    assert client.post("/tickets/djangocon/").status_code == 405


def test_the_pages_need_no_inline_style_or_script(client):
    append([ConferenceOpened("djangocon", 2), TicketSold("djangocon", "ada")])
    catch_up("ticketing.sales_by_hour")
    for address in ("/", "/tickets/", "/tickets/djangocon/"):
        html = client.get(address).content.decode()
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", html)
        assert html.count("<h1>") == 1
        assert 'lang="en"' in html


def test_the_style_sheet_is_there(client):
    address = re.search(r'rel="stylesheet" href="/static/([^"]+)"', client.get("/tickets/").content.decode())
    assert address is not None
    assert finders.find(address[1]) is not None
