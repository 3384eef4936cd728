import re
from datetime import UTC, datetime, timedelta
from html import unescape
from types import SimpleNamespace

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from demo_project.ticketing import pages
from demo_project.ticketing.domain import ConferenceOpened, TicketSold
from demo_project.ticketing.models import ConferenceSales, Mailbox
from factos_django import Query, StoreBusy
from factos_django.projections import catch_up
from factos_django.store import append, read, recording
from factos_django.testing import deliver_effects

pytestmark = pytest.mark.django_db


def text_of(response):
    """What a reader sees, with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def tickets_of(response):
    """The rows of the latest tickets."""
    table = re.search(r"<table data-tickets.*?</table>", response.content.decode(), re.DOTALL)
    assert table is not None
    return table[0]


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
    append([ConferenceOpened("gleamconf-2026", 1), TicketSold("gleamconf-2026", "zoe")])
    text = text_of(client.get("/tickets/djangocon/"))
    assert "0 of 2 tickets left" in text
    assert text.index("bob") < text.index("ada")
    assert "zoe" not in text
    assert re.search(r"ada \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)


def test_a_conference_page_shows_the_latest_tickets(client):
    tickets = [TicketSold("djangocon", f"buyer-{number}.") for number in range(7)]
    append([ConferenceOpened("djangocon", 500), *tickets])
    table = tickets_of(client.get("/tickets/djangocon/"))
    assert ("buyer-6." in table, "buyer-1." in table, "buyer-0." in table) == (True, True, False)


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
    assert f"applied the log up to #{caught_up.position} Hour Sold" in text
    assert caught_up.position < late.position
    assert "7 of 9 tickets left" in text  # written with the facts
    assert re.search(r"Hour Sold \d{4}-\d\d-\d\d \d\d:00 UTC 1 Behind", text)  # what the follower knows


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
    assert "applied the log up to #0;" in text
    assert "python manage.py run_projections" in text


def test_the_window_says_over_how_many_connections_a_stampede_comes(client):
    append([ConferenceOpened("djangocon", 2)])
    told = "So many buyers come at once, over 16 database connections."
    assert told in text_of(client.get("/tickets/djangocon/"))


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
    assert "<script>" not in page.content.decode()
    assert "alert(1)" in page.content.decode()


def test_the_pages_need_no_inline_style_or_script(client):
    append([ConferenceOpened("djangocon", 2), TicketSold("djangocon", "ada")])
    catch_up("ticketing.sales_by_hour")
    for address in ("/", "/tickets/", "/tickets/djangocon/"):
        html = client.get(address).content.decode()
        assert not re.search(r"<script>|<style|\sstyle=|\son\w+=|javascript:", html)
        assert html.count("<h1>") == 1
        assert 'lang="en"' in html


def test_the_files_of_the_window_are_there(client):
    append([ConferenceOpened("djangocon", 2)])
    files = re.findall(r'(?:href|src)="/static/([^"]+)"', client.get("/tickets/djangocon/").content.decode())
    assert {"demo/live.js", "ticketing/window.js"} <= set(files)
    assert all(finders.find(file) for file in files)


def test_the_window_tells_its_script_what_to_follow_and_from_where(client):
    append([ConferenceOpened("a b&c", 9), TicketSold("a b&c", "ada")])
    (last,) = append([TicketSold("a b&c", "bob")])
    append([ConferenceOpened("djangocon", 9)])
    html = client.get("/tickets/a b&c/").content.decode()
    told = re.search(r'data-feed="([^"]+)" data-after="(\d+)"', html)
    assert told is not None
    assert int(told[2]) == last.position
    assert unescape(told[1]) == "/api/events/feed/?type=TicketSold&tag=event%3Aa+b%26c"
    assert html.count(f'data-position="{last.position}"') == 2  # of what is left, and of the list


# What is asked for


def told_by(client, path, **sent):
    """What the page says after a POST."""
    response = client.post(path, sent, follow=True)
    assert response.redirect_chain[0][1] == 302
    return [str(message) for message in response.context["messages"]], response.request["PATH_INFO"]


def recorded():
    return [each.event for each in read(Query.all())]


def test_a_visitor_opens_a_conference_and_comes_to_its_window(client):
    told, path = told_by(client, "/tickets/", conference="djangocon", capacity="2")
    assert (told, path) == (["djangocon is open."], "/tickets/djangocon/")
    assert recorded() == [ConferenceOpened("djangocon", 2)]
    told, path = told_by(client, "/tickets/", conference="djangocon", capacity="2")
    assert (told, path) == (["djangocon is open already."], "/tickets/djangocon/")
    told, path = told_by(client, "/tickets/", conference="djangocon", capacity="3")
    assert path == "/tickets/"
    assert told == ["Refused (AlreadyOpen): The conference is open already, with another capacity."]
    assert len(recorded()) == 1


@pytest.mark.parametrize(
    ("conference", "capacity", "wrong"),
    [
        ("", "2", "Conference: This field is required."),
        ("a/b", "2", "Conference: A name has no slash, and is not made of dots alone."),
        ("..", "2", "Conference: A name has no slash, and is not made of dots alone."),
        ("x" * 201, "2", "Conference: Ensure this value has at most 200 characters"),
        ("a\x01b", "2", "Conference: No tag can hold this name: "),
        ("djangocon", "0", "Tickets: Ensure this value is greater than or equal to 1."),
        ("djangocon", "many", "Tickets: Enter a whole number."),
    ],
)
def test_what_cannot_be_opened_is_told(client, conference, capacity, wrong):
    (told,), _ = told_by(client, "/tickets/", conference=conference, capacity=capacity)
    assert told.startswith(wrong)
    assert recorded() == []


def test_a_visitor_buys_until_it_is_sold_out(client):
    append([ConferenceOpened("djangocon", 1)])
    told, path = told_by(client, "/tickets/djangocon/", buyer="ada")
    sold = list(read(Query.all()))[-1]
    assert sold.event == TicketSold("djangocon", "ada")
    assert (told, path) == ([f"A ticket is sold to ada, as fact #{sold.position}."], "/tickets/djangocon/")
    told, _ = told_by(client, "/tickets/djangocon/", buyer="eve")
    assert told == ["Refused (SoldOut): The conference has no ticket left."]
    assert len(recorded()) == 2


def test_a_buyer_has_a_name(client):
    append([ConferenceOpened("djangocon", 1)])
    for buyer, wrong in (("", "Your name: This field is required."), ("\x00", "Your name: Null characters")):
        (told,), _ = told_by(client, "/tickets/djangocon/", buyer=buyer)
        assert told.startswith(wrong)
    assert len(recorded()) == 1


def test_what_no_tag_can_hold_is_told_and_nothing_is_sold(client):
    append([ConferenceOpened("djangocon", 1)])
    (told,), _ = told_by(client, "/tickets/djangocon/", buyer="a\x01b")
    assert told.startswith("InvalidTag: ")
    assert len(recorded()) == 1


def test_nothing_is_done_at_the_window_of_a_conference_that_is_not_open(client):
    assert client.post("/tickets/nowhere/", {"buyer": "ada"}).status_code == 404
    assert client.post("/tickets/nowhere/stampede/", {"buyers": "2"}).status_code == 404
    assert recorded() == []


def test_a_form_of_another_site_does_nothing():
    append([ConferenceOpened("djangocon", 1)])
    strict = Client(enforce_csrf_checks=True)
    for path in ("/tickets/", "/tickets/djangocon/", "/tickets/djangocon/stampede/"):
        sent = {"buyer": "eve", "buyers": "2", "conference": "x", "capacity": "1"}
        assert strict.post(path, sent).status_code == 403
    assert len(recorded()) == 1


def test_a_busy_store_is_told_with_what_to_do(client, monkeypatch):
    append([ConferenceOpened("djangocon", 1)])

    def busy(*_, **__):
        raise StoreBusy(using="default", seconds=5)

    monkeypatch.setattr(pages, "dispatch", busy)
    (told,), _ = told_by(client, "/tickets/djangocon/", buyer="ada")
    assert told.startswith("StoreBusy: ")
    assert "Nothing was recorded." in told


# What lies behind, and the mails


def test_the_window_shows_what_would_be_answered_now(client):
    append([ConferenceOpened("djangocon", 1)])
    text = text_of(client.get("/tickets/djangocon/"))
    assert "Accepted." in text
    append([TicketSold("djangocon", "ada")])
    text = text_of(client.get("/tickets/djangocon/"))
    assert "Refused. The conference has no ticket left." in text


def test_its_parts_come_alone_and_as_they_are_in_the_page(client):
    append([ConferenceOpened("djangocon", 2), TicketSold("djangocon", "ada")])
    page = client.get("/tickets/djangocon/").content.decode()
    parts = client.get("/tickets/djangocon/?parts").content.decode()
    assert "<html" not in parts
    for name in ("announced", "behind"):
        assert parts.count(f'data-part="{name}"') == 1
    for part in parts.strip().split("\n\n"):
        assert part.strip() in page


def test_the_mails_of_a_conference_are_shown_with_the_states_of_the_outbox(client):
    append([ConferenceOpened("djangocon", 9), TicketSold("djangocon", "ada"), TicketSold("djangocon", "bob")])
    append([ConferenceOpened("elsewhere", 9), TicketSold("elsewhere", "zoe")])
    Mailbox.objects.create(buyer="bob", is_unknown=True)
    html = client.get("/tickets/djangocon/").content.decode()
    assert "data-goes-on" in html
    assert "pending 2 running 0 done 0 dead 0" in text_of(client.get("/tickets/djangocon/"))
    deliver_effects(raising=False)
    response = client.get("/tickets/djangocon/")
    text = text_of(response)
    assert "pending 0 running 0 done 1 dead 1" in text
    assert re.search(r"ada Your ticket for djangocon is number \d+\.", text)
    assert "bob dead after attempt 1: UnknownMailbox: bob has no mailbox" in text
    assert "zoe" not in text
    assert "data-goes-on" not in response.content.decode()


def test_a_mail_that_was_turned_away_says_so_until_it_is_sent(client):
    append([ConferenceOpened("djangocon", 9), TicketSold("djangocon", "ada")])
    Mailbox.objects.create(buyer="ada", turns_away=1)
    deliver_effects(raising=False)
    turned_away = "ada pending after attempt 1: MailboxBusy: the mailbox of ada turned attempt 1 away"
    assert turned_away in text_of(client.get("/tickets/djangocon/"))
    deliver_effects()
    text = text_of(client.get("/tickets/djangocon/"))
    assert "(at attempt 2)" in text
    assert "MailboxBusy" not in text
