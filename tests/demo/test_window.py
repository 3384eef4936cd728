"""The ticket window in a browser: what is left is shown live, and no stampede gets a ticket too many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from demo_project.ticketing import stampede
from demo_project.ticketing.domain import BuyTicket, ConferenceOpened, sale_context, ticket_sales
from factos_django.dispatch import dispatch
from factos_django.models import Event
from factos_django.rest_framework.feed.places import PLACES
from factos_django.store import append
from factos_django.testing import deliver_effects
from tests.admin.clients import superuser_client
from tests.browser import Browser, Visit, in_browser
from tests.guards.sessions import until

GLEAM = "gleamconf-2026"
WINDOW = f"/tickets/{GLEAM}/"


@pytest.fixture
def visitor(browser: Browser, demo: str) -> Iterator[Callable[..., Visit]]:
    """Lets visitors in, each with a browser of their own: ``visitor(color_scheme="dark")``."""
    with ExitStack() as visits:
        yield lambda **options: visits.enter_context(browser.visit(demo, **options))


def opened(capacity: int) -> None:
    append([ConferenceOpened(GLEAM, capacity)])


def sold_to(buyer: str) -> int:
    """Sell a ticket to somebody who is at no window; return its position."""
    return dispatch(BuyTicket(GLEAM, buyer), decider=ticket_sales, query=sale_context).position


def buyers_in(using: str) -> list[str]:
    """Who has a ticket, counted in the log: the page is not asked."""
    rows = Event.objects.using(using).filter(type="TicketSold", data__conference=GLEAM)
    return [row.data["buyer"] for row in rows]


def at_window(visit: Visit) -> Visit:
    """Go there, and wait until the page follows the log."""
    visit.open(WINDOW)
    visit.expect(visit.page.get_by_text("Live: this page follows the log.")).to_be_visible()
    return visit


def expect_left(visit: Visit, left: int) -> None:
    visit.expect(visit.page.locator("[data-left]")).to_have_text(str(left))


def press(visit: Visit, button: str) -> None:
    visit.page.get_by_role("button", name=button).click()


def buy(visit: Visit, buyer: str) -> None:
    visit.page.get_by_label("Your name").fill(buyer)
    press(visit, "Buy a ticket")


def stampede_of(visit: Visit, buyers: int) -> None:
    visit.page.get_by_label("Buyers").fill(str(buyers))
    press(visit, "Let them in")


def told(visit: Visit, text: str) -> None:
    """Wait until this is what came of what was pressed."""
    visit.expect(visit.page.get_by_role("status").filter(has_text=text)).to_be_visible()


def behind(visit: Visit) -> Any:
    return visit.page.get_by_role("region", name="Behind the window")


@in_browser()
def test_a_visitor_opens_a_conference_and_buys(visitor, store):
    visit = visitor()
    visit.open("/")
    visit.page.get_by_role("navigation").get_by_role("link", name="Tickets").click()
    visit.page.get_by_label("Conference").fill(GLEAM)
    visit.page.get_by_label("Tickets").fill("2")
    press(visit, "Open it")
    told(visit, f"{GLEAM} is open.")
    expect_left(visit, 2)
    visit.expect(visit.page.get_by_text("No ticket is sold yet.")).to_be_visible()
    buy(visit, "Ada")
    told(visit, "A ticket is sold to Ada, as fact #")
    expect_left(visit, 1)
    visit.expect(visit.page.locator("[data-tickets] tbody tr")).to_have_count(1)
    visit.expect(visit.page.get_by_text("No ticket is sold yet.")).to_be_hidden()
    buy(visit, "Bo")
    told(visit, "A ticket is sold to Bo, as fact #")
    buy(visit, "Eve")
    told(visit, "Refused (SoldOut): The conference has no ticket left.")
    expect_left(visit, 0)
    visit.expect(behind(visit).get_by_text("SoldOut(capacity=2)")).to_be_visible()
    visit.look()
    assert buyers_in(store.using) == ["Ada", "Bo"]


@in_browser()
def test_a_purchase_in_one_page_changes_the_other_without_a_reload(visitor, store):
    opened(9)
    sold_to("early")
    one, other = at_window(visitor()), at_window(visitor())
    other.page.evaluate("window.hasStayed = true")
    buy(one, "<b>Ada</b>")
    for visit in (one, other):
        expect_left(visit, 7)
        newest = visit.page.locator("[data-tickets] tbody tr").first
        visit.expect(newest).to_contain_text("<b>Ada</b>")
        visit.expect(visit.page.locator("[data-tickets] tbody tr")).to_have_count(2)
        visit.expect(behind(visit)).to_contain_text("TicketWindow(capacity=9, sold=2)")
        visit.expect(visit.page.locator("progress")).to_have_js_property("value", 2)
    assert other.page.evaluate("window.hasStayed")
    other.page.reload()
    expect_left(other, 7)


@in_browser()
def test_two_stampedes_at_once_sell_every_ticket_and_never_one_too_many(visitor, store):
    opened(60)
    one, other = at_window(visitor()), at_window(visitor())
    for visit in (one, other):
        stampede_of(visit, 50)
    for visit in (one, other):
        told(visit, "50 buyers came at once: ")
        told(visit, "The log holds 60 of 60 tickets, none too many.")
        expect_left(visit, 0)
        visit.expect(behind(visit)).to_contain_text("The conference has no ticket left.")
    buyers = buyers_in(store.using)
    assert len(buyers) == len(set(buyers)) == 60
    assert len({buyer.rpartition("-")[0] for buyer in buyers}) == 2  # of both stampedes


@in_browser()
def test_the_count_falls_while_the_stampede_goes_on(visitor, store, monkeypatch):
    opened(100)
    all_may_go = threading.Event()
    turns = iter(range(1000))
    real = stampede.answer_to

    def answer_to(*given: Any) -> Any:
        if next(turns) >= 2 * stampede.AT_ONCE:
            all_may_go.wait(60)
        return real(*given)

    monkeypatch.setattr(stampede, "answer_to", answer_to)
    visit = at_window(visitor(viewport={"width": 1280, "height": 1060}))
    buy(visit, "Ada")
    told(visit, "A ticket is sold to Ada")
    stampede_of(visit, 120)
    left = 100 - 1 - 2 * stampede.AT_ONCE
    expect_left(visit, left)
    visit.expect(behind(visit)).to_contain_text(f"sold={100 - left})")
    visit.expect(visit.page.locator("form[aria-busy]")).to_have_count(1)
    told(visit, "The buyers are at the window.")
    visit.picture("demo-window", if_on="postgres", using=store.using)
    all_may_go.set()
    told(visit, "120 buyers came at once: 99 sold, 21 refused (SoldOut), in ")
    expect_left(visit, 0)
    assert len(buyers_in(store.using)) == 100


@in_browser()
def test_the_mails_are_shown_as_they_go_out(visitor, store):
    opened(9)
    visit = at_window(visitor())
    buy(visit, "Ada")
    mails = visit.page.get_by_role("region", name="The mails")
    visit.expect(mails).to_contain_text("Some are still to be sent.")
    deliver_effects()
    visit.expect(mails.get_by_role("listitem")).to_contain_text(f"Your ticket for {GLEAM} is number")
    visit.expect(mails).not_to_contain_text("Some are still to be sent.")
    visit.look()


@in_browser()
def test_all_of_it_works_without_a_script(visitor, store):
    opened(3)
    visit = visitor(java_script_enabled=False)
    visit.open(WINDOW)
    visit.expect(visit.page.get_by_text("Reload the page to see what is left now.")).to_be_visible()
    buy(visit, "Ada")
    told(visit, "A ticket is sold to Ada")
    expect_left(visit, 2)
    sold_to("Bo")
    visit.page.reload()
    expect_left(visit, 1)
    stampede_of(visit, 5)
    told(visit, "5 buyers came at once: 1 sold, 4 refused (SoldOut), in ")
    expect_left(visit, 0)
    visit.expect(behind(visit)).to_contain_text("Refused.")
    assert len(buyers_in(store.using)) == 3


@in_browser("default")
def test_the_page_goes_on_where_the_feed_was_cut(visitor, store):
    opened(9)
    visit, feeds = visitor(), []
    visit.page.on("request", lambda request: feeds.append(request.url) if "/feed/" in request.url else None)
    at_window(visit)
    until(lambda: visit.page.evaluate("true") and len(feeds) > 1, "another question to the feed")
    sold_to("Ada")
    expect_left(visit, 8)


@in_browser("default")
def test_a_page_that_was_put_away_catches_up(visitor, store):
    opened(9)
    visit = at_window(visitor())
    visit.page.evaluate("dispatchEvent(new Event('pagehide'))")
    until(lambda: len(PLACES) == 0, "the end of the feed")
    sold_to("Ada")
    expect_left(visit, 9)
    visit.page.evaluate("dispatchEvent(new Event('pageshow'))")
    expect_left(visit, 8)


@in_browser("default")
def test_where_the_feed_has_no_place_the_page_says_so_and_tries_again(visitor, store, settings):
    opened(9)
    settings.FACTOS_FEED_MAX_CLIENTS = 1
    place = PLACES.take()
    visit = visitor()
    visit.open(WINDOW)
    visit.expect(visit.page.get_by_text("Not live now: trying to reach the log again.")).to_be_visible()
    sold_to("Ada")
    place.give_back()
    visit.expect(visit.page.get_by_text("Live: this page follows the log.")).to_be_visible()
    expect_left(visit, 8)
    assert visit.problems
    assert all("503" in each and "/feed/" in each for each in visit.problems)
    visit.problems.clear()


@in_browser("default")
def test_the_panel_changes_under_nobody_and_keeps_open_what_is_open(visitor, store):
    opened(99)
    for number in range(6):
        sold_to(f"buyer-{number}")
    visit = at_window(visitor())
    behind(visit).get_by_text("Those before").click()  # which has the focus now
    last = sold_to("Ada")
    expect_left(visit, 92)
    visit.expect(behind(visit).get_by_text(f"#{last}", exact=True)).to_have_count(0)
    visit.page.get_by_label("Your name").focus()
    visit.expect(behind(visit).get_by_text(f"#{last}", exact=True)).to_have_count(1)
    visit.expect(behind(visit).get_by_text(f"#{last - 7}", exact=True)).to_be_visible()


@in_browser("default")
def test_what_is_pressed_twice_is_sent_once(visitor, store):
    opened(9)
    visit = at_window(visitor())
    visit.page.get_by_label("Your name").fill("Ada")
    visit.page.get_by_role("button", name="Buy a ticket").dblclick()
    told(visit, "A ticket is sold to Ada")
    expect_left(visit, 8)
    assert buyers_in(store.using) == ["Ada"]


@in_browser("default")
def test_an_answer_that_is_an_error_is_told(visitor, store):
    opened(9)
    visit = at_window(visitor())
    visit.context.clear_cookies()  # the token of the form belongs to none now
    buy(visit, "Ada")
    told(visit, "The server answers 403. Reload the page.")
    assert buyers_in(store.using) == []
    assert all("403" in each for each in visit.problems)
    visit.problems.clear()


@in_browser("default")
def test_staff_come_from_a_fact_to_its_page_in_the_admin(browser, demo, store):
    opened(9)
    position = sold_to("Ada")
    with browser.visit(demo, superuser_client()) as visit:
        visit.open(WINDOW)
        behind(visit).get_by_role("link", name=f"#{position}", exact=True).click()
        heading = visit.page.get_by_role("heading", level=1, name=f"#{position} TicketSold", exact=True)
        visit.expect(heading).to_be_visible()


@in_browser("default")
@pytest.mark.parametrize("path", ["/", "/tickets/", WINDOW])
def test_the_pages_are_made_for_narrow_and_for_dark_screens(visitor, store, path):
    opened(3)
    stampede.stampede(stampede.Sale(GLEAM, 5, 5, 0, store.using))
    deliver_effects()
    for scheme in ("light", "dark"):
        visit = visitor(color_scheme=scheme, viewport={"width": 360, "height": 700})
        visit.open(path)
        if path == WINDOW:
            expect_left(visit, 0)
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), scheme
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
