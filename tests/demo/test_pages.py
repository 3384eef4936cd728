import re
from html import unescape

import pytest
from django.contrib.staticfiles import finders

from demo_project.ticketing.domain import ConferenceOpened, TicketSold
from factos_django.store import append

pytestmark = pytest.mark.django_db


def text_of(response):
    """What a reader sees, with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def test_an_empty_home_page_says_what_to_do(client):
    assert "No conference is open yet" in text_of(client.get("/"))
    assert "python manage.py sell_tickets" in text_of(client.get("/"))


def test_the_home_page_counts_the_tickets_of_each_conference(client):
    append([ConferenceOpened("gleamconf-2026", 100), ConferenceOpened("djangocon", 1)])
    append([TicketSold("gleamconf-2026", "ada"), TicketSold("gleamconf-2026", "eve")])
    append([TicketSold("djangocon", "bob")])
    text = text_of(client.get("/"))
    assert "djangocon 1 1 Sold out gleamconf-2026 2 100 98 left" in text


def test_a_conference_page_shows_its_tickets_newest_first(client):
    append([ConferenceOpened("djangocon", 2), TicketSold("djangocon", "ada"), TicketSold("djangocon", "bob")])
    append([ConferenceOpened("gleamconf-2026", 1), TicketSold("gleamconf-2026", "eve")])
    text = text_of(client.get("/conferences/djangocon/"))
    assert "Sold 2 Capacity 2 State Sold out" in text
    assert text.index("bob") < text.index("ada")
    assert "eve" not in text
    assert re.search(r"ada \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)


def test_a_conference_page_shows_the_latest_hundred_tickets(client):
    tickets = [TicketSold("djangocon", f"buyer-{number}.") for number in range(101)]
    append([ConferenceOpened("djangocon", 500), *tickets])
    text = text_of(client.get("/conferences/djangocon/"))
    assert "The latest 100 tickets, newest first" in text
    assert ("buyer-100." in text, "buyer-1." in text, "buyer-0." in text) == (True, True, False)


def test_a_conference_without_tickets_says_so(client):
    append([ConferenceOpened("djangocon", 2)])
    assert "No ticket is sold yet." in text_of(client.get("/conferences/djangocon/"))


@pytest.mark.parametrize("name", ["nowhere", "DjangoCon", "djangocon%20", "a%01b", "%00", "x" * 300])
def test_an_unknown_or_impossible_conference_is_not_found(client, name):
    append([ConferenceOpened("djangocon", 2)])
    assert client.get(f"/conferences/{name}/").status_code == 404


@pytest.mark.parametrize("name", ["a/b", "ünïcode 🎟", "50%", "a?b#c", "<b>&\"'"])
def test_a_conference_of_any_name_is_linked_escaped_and_found(client, name):
    append([ConferenceOpened(name, 2), TicketSold(name, "<script>alert(1)</script>")])
    home = client.get("/").content.decode()
    link = re.search(r'<th scope="row"><a href="([^"]+)"', home)
    assert link is not None
    page = client.get(unescape(link[1]))
    assert page.status_code == 200
    assert "<script" not in page.content.decode()


def test_the_pages_are_read_only(client):
    assert client.post("/").status_code == 405
    assert client.post("/conferences/djangocon/").status_code == 405


def test_the_pages_need_no_inline_style_or_script(client):
    append([ConferenceOpened("djangocon", 2), TicketSold("djangocon", "ada")])
    for address in ("/", "/conferences/djangocon/"):
        html = client.get(address).content.decode()
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", html)
        assert html.count("<h1>") == 1
        assert 'lang="en"' in html


def test_the_style_sheet_is_there(client):
    address = re.search(r'rel="stylesheet" href="/static/([^"]+)"', client.get("/").content.decode())
    assert address is not None
    assert finders.find(address[1]) is not None
