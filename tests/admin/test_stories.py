"""What people do in the admin, walked through by a browser; see tests.admin.story for the log."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin import site
from django.db import connections

from demo_project.ticketing.domain import ConferenceOpened, TicketSold
from factos_django import Query, QueryItem
from factos_django.models import Effect, Event
from factos_django.projections import catch_up
from factos_django.registry import PROJECTIONS
from factos_django.store import append
from factos_django.tasks import rebuild_projection_task
from factos_django.testing import deliver_effects
from tests.admin.addresses import addresses, objects_of
from tests.admin.story import FRANCS, NEXT_OF_RENATA, ORDER, ORDERS
from tests.boxoffice.domain import PACE, RATES, SendInvoice, TicketPaid
from tests.browser import Visit, in_browser

EVENTS, EFFECTS, PROJECTED = "/admin/factos/event/", "/admin/factos/effect/", "/admin/factos/projectionstate/"


def main(visit: Visit) -> Any:
    """What the page is about, beside what is on every page."""
    return visit.page.get_by_role("main")


def heading(visit: Visit, text: str) -> None:
    """Wait for the page with this heading."""
    visit.expect(visit.page.get_by_role("heading", level=1, name=text, exact=True)).to_be_visible()


def copied(visit: Visit, button: str, number: int = 0) -> str:
    """Press the button that copies, and return what is in the clipboard then."""
    main(visit).get_by_role("button", name=button, exact=True).nth(number).click()
    visit.expect(main(visit).get_by_role("status").filter(has_text="Copied").first).to_be_visible()
    return str(visit.page.evaluate("navigator.clipboard.readText()"))


@pytest.fixture
def picture(visit: Visit, store: Any) -> Any:
    """Takes pictures for the docs, of the walk on PostgreSQL."""
    return lambda name: visit.picture(f"admin-{name}", if_on="postgres", using=store.using)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[threading.Thread]]:
    """Whoever gets the messages that ask for a rebuild: a thread each, as long as the test goes."""
    threads: list[threading.Thread] = []

    def work(name: str, using: str) -> None:
        rebuild_projection_task(name, using)
        connections.close_all()

    def send_now(task: str, *arguments: Any) -> None:
        threads.append(threading.Thread(target=work, args=arguments))
        threads[-1].start()

    monkeypatch.setattr("factos_django.tasks.rebuilding.send_now", send_now)
    # Its own name would tell, in a picture, which machine took it.
    monkeypatch.setattr("factos_django.projections.rebuilding.runs.this_worker", lambda: "celery@shop")
    yield threads
    for thread in threads:
        thread.join(30)


@in_browser()
def test_an_engineer_finds_the_story_of_an_order(visit, story, store, picture):
    page, sold, paid = visit.page, story.sold[ORDER.number], story.paid[ORDER.number]
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.open(EVENTS)
    picture("events")
    page.get_by_role("checkbox", name="TicketPaid").check()
    for tag in (f"buyer:{ORDER.buyer}", f"event:{ORDER.conference}"):
        field = page.get_by_role("combobox", name="his tag")
        field.fill(tag[:-3])
        visit.expect(page.locator(f"#factos-filter-tags option[value='{tag}']")).to_have_count(1)
        field.fill(tag)
        field.press("Enter")
        visit.expect(page.locator(".factos-active").get_by_text(tag)).to_be_visible()
    visit.expect(page.locator("#result_list tbody tr")).to_have_count(1)

    page.get_by_role("textbox", name="Search").or_(page.locator("#searchbar")).first.fill(f"#{paid.position}")
    page.keyboard.press("Enter")
    heading(visit, f"#{paid.position} TicketPaid")
    visit.expect(main(visit).locator(".factos-json").first).to_contain_text('"Conference ticket"')
    picture("event")
    event = Event.objects.using(store.using).get(pk=paid.position)
    assert json.loads(copied(visit, "Copy as JSON")) == event.data

    main(visit).get_by_role("link", name=f"order:{ORDER.number}").first.click()
    heading(visit, f"order:{ORDER.number}")
    visit.open(f"/admin/factos/tag/event_3A{ORDER.conference}/change/")
    visit.expect(main(visit).get_by_text(f"buyer:{ORDER.buyer}").first).to_be_visible()
    picture("tag")

    visit.open(f"{EVENTS}{paid.position}/change/")
    main(visit).get_by_role("link", name=f"order-{ORDER.number}").click()
    visit.expect(page.locator("#result_list tbody tr")).to_have_count(2)
    page.locator("#result_list").get_by_role("link", name=f"#{paid.position}").click()
    main(visit).get_by_role("link", name=f"#{sold.position} TicketSold").last.click()
    heading(visit, f"#{sold.position} TicketSold")

    decision = main(visit).get_by_role("region", name="The facts that its decision saw")
    visit.expect(decision.get_by_role("row")).to_have_count(4)  # their heads, an opening and two sales
    decision.scroll_into_view_if_needed()
    picture("decision")
    test = copied(visit, "Copy as a test")
    assert "given(" in test
    compile(test, "pasted", "exec")


@in_browser()
def test_somebody_builds_a_query_and_copies_it(visit, story, store, picture):
    page = visit.page
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.open(EVENTS)
    page.get_by_role("link", name="Explorer").click()
    heading(visit, "Explorer")
    first = page.get_by_role("group", name="Item 1")
    first.get_by_role("checkbox", name="ConferenceOpened").check()
    first.get_by_role("checkbox", name="TicketSold").check()
    first.locator("input[type=text]").first.fill(f"event:{ORDER.conference}")
    page.get_by_role("button", name="Add an item").click()
    second = page.get_by_role("group", name="Item 2")
    second.get_by_role("checkbox", name="TicketPaid").check()
    second.locator("input[type=text]").first.fill(f"buyer:{ORDER.buyer}")
    page.get_by_role("button", name="Show the facts").last.click()
    found = page.get_by_role("region", name="What matches")
    visit.expect(found.get_by_role("row")).to_have_count(1 + 6 + 2)
    picture("explorer")
    known = {"Query": Query, "QueryItem": QueryItem}
    known |= {each.__name__: each for each in (ConferenceOpened, TicketSold, TicketPaid)}
    lines = [line for line in copied(visit, "Copy the Python").splitlines() if "import" not in line]
    asked = Query.of(
        QueryItem(types=[ConferenceOpened, TicketSold], tags=[f"event:{ORDER.conference}"]),
        QueryItem(types=[TicketPaid], tags=[f"buyer:{ORDER.buyer}"]),
    )
    assert eval("\n".join(lines).strip().partition("query = ")[2] or "\n".join(lines).strip(), known) == asked
    assert json.loads(copied(visit, "Copy the JSON")) == {"query": asked.as_data()}


@in_browser()
def test_a_projection_that_stopped_goes_on_once_its_cause_is_put_right(visit, story, store, picture):
    page, failed = visit.page, story.paid[FRANCS.number]
    visit.open("/admin/factos/projectionstate/")
    row = page.get_by_role("row").filter(has_text="boxoffice.takings")
    visit.expect(row).to_contain_text("stopped")
    visit.expect(row).to_contain_text("no rate for CHF")
    picture("projections")
    row.get_by_role("link", name="boxoffice.takings").click()
    visit.expect(main(visit).get_by_role("link", name=f"#{failed.position}")).to_be_visible()
    RATES["CHF"] = Decimal("1.05")
    page.get_by_role("link", name="Resume").click()
    page.get_by_role("button", name="Yes, resume it").click()
    visit.expect(page.locator(".messagelist")).to_be_visible()
    (caught_up,) = catch_up("boxoffice.takings", using=store.using)
    assert caught_up.events == 6
    page.reload()
    visit.expect(main(visit)).not_to_contain_text("no rate for CHF")
    takings = PROJECTIONS.named("boxoffice.takings").feed.models[0].objects.using(store.using)
    assert takings.get(pk=FRANCS.conference).payments == 6


@in_browser()
def test_a_rebuild_is_watched_from_its_question_to_its_outcome(visit, story, store, worker, picture):
    page, gate = visit.page, threading.Semaphore(3)
    PACE.append(lambda: gate.acquire(timeout=20) and None)
    try:
        visit.open("/admin/factos/projectionstate/boxoffice.guests/change/")
        visit.expect(main(visit)).to_contain_text("It needs a rebuild")
        page.get_by_role("link", name="Rebuild", exact=True).click()
        page.get_by_role("button", name="Yes, rebuild it").click()
        visit.expect(page.get_by_role("progressbar")).to_be_visible()
        picture("rebuild-running")
        gate.release(1000)
        visit.expect(page.get_by_role("progressbar")).to_be_hidden()
        visit.expect(page.locator("[data-factos-text]")).to_contain_text(str(len(ORDERS)))
        page.reload()
        visit.expect(main(visit)).not_to_contain_text("It needs a rebuild")
    finally:
        gate.release(1000)
        PACE.clear()


@in_browser("postgres")
def test_facts_above_the_head_are_marked_with_what_holds_it(visit, story, store, session, picture):
    writer = session("writer")
    writer.begin()
    writer.run(append, [TicketPaid("2000", "elsewhere-2026", "slow", story.paid["1001"].event.payment)])
    above = append([ConferenceOpened("djangocon-2027", 300)], using=store.using)[0]
    visit.open(EVENTS)
    visit.expect(visit.page.get_by_role("note", name="What holds the head back")).to_contain_text("Process")
    row = visit.page.locator("#result_list tbody tr").first
    visit.expect(row).to_contain_text(f"#{above.position}")
    visit.expect(row).to_contain_text("not yet followed")
    picture("events-held")
    row.get_by_role("link").first.click()
    visit.expect(main(visit)).to_contain_text("holds the head")
    writer.rollback()
    visit.open(EVENTS)
    visit.expect(visit.page.get_by_text("not yet followed")).to_have_count(0)


@in_browser()
def test_an_effect_that_died_is_tried_again_with_what_waits_behind_it(visit, story, store, picture):
    page, dead, behind = visit.page, story.invoice(ORDER), story.invoice(NEXT_OF_RENATA)
    visit.open(EFFECTS)
    picture("effects")
    page.locator(".factos-counts").get_by_role("link", name="dead").click()
    visit.expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.locator("#result_list").get_by_role("link", name=str(dead.pk), exact=True).click()
    visit.expect(main(visit)).to_contain_text("550 5.1.1 renata@example.org")
    visit.expect(main(visit).get_by_role("link", name=str(behind.pk))).to_be_visible()
    picture("effect")
    story.unknown.clear()
    page.get_by_role("link", name="Try again with those behind it").click()
    page.get_by_role("textbox").last.fill("Renata has a mailbox now")
    page.get_by_role("button", name="Yes, try them again").click()
    visit.expect(main(visit)).to_contain_text("Renata has a mailbox now")
    assert len(deliver_effects(SendInvoice, using=store.using)) == 2
    page.reload()
    visit.expect(main(visit).get_by_role("row").filter(has_text="State").first).to_contain_text("done")
    page.get_by_role("link", name="History").click()
    visit.expect(main(visit)).to_contain_text("root")


@in_browser()
def test_an_effect_is_given_up_with_a_reason_which_is_kept(visit, story, store):
    page, dead = visit.page, story.invoice(ORDER)
    visit.open(f"{EFFECTS}{dead.pk}/change/")
    page.get_by_role("link", name="Drop", exact=True).click()
    main(visit).get_by_role("textbox").fill("She was refunded")
    page.get_by_role("button", name="Yes, drop it").click()
    visit.expect(main(visit)).to_contain_text("She was refunded")
    deliver_effects(SendInvoice, raising=False, using=store.using)
    rows = Effect.objects.using(store.using)
    assert rows.get(pk=dead.pk).state == "dropped"
    assert rows.get(pk=story.invoice(NEXT_OF_RENATA).pk).attempts == 1  # it waits no more


@in_browser()
def test_a_glance_tells_what_is_wrong_and_leads_to_it(visit, story, store):
    page = visit.page
    visit.open(EVENTS)
    page.get_by_role("link", name="Dashboard").click()
    heading(visit, "Dashboard")
    visit.expect(main(visit)).to_contain_text("1 effect is dead")
    main(visit).get_by_role("link", name="1 effect is dead").click()
    visit.expect(page.locator("#result_list tbody tr")).to_have_count(1)


def pages(story: Any) -> list[str]:
    """The paths of all pages about the log."""
    asked = addresses(site, {each: of[-1:] for each, of in objects_of(story).items()})
    refused = ("_add", "_delete", "_complete", "_progress", "_skip", "_resume")
    return ["/admin/factos/", *(path for name, path in asked if name and not name.endswith(refused))]


@in_browser("default")
def test_pages_are_read_on_a_narrow_screen(browser, root, live_server, story, store):
    wide = []
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    with browser.visit(live_server.url, root, **phone) as visit:
        visit.rules = ["scrollable-region-focusable"]
        for path in pages(story):
            visit.open(path)
            if visit.page.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
                wide.append(path)
            if path.endswith("/event/dashboard/"):
                visit.picture("admin-narrow-dashboard", if_on="default", using=store.using)
    assert wide == []


@in_browser("default")
def test_pages_are_read_on_a_dark_screen(browser, root, live_server, story, store):
    with browser.visit(live_server.url, root, color_scheme="dark") as visit:
        visit.rules = ["color-contrast"]
        for path in pages(story):
            visit.open(path)
            if path.endswith("/event/dashboard/"):
                visit.picture("admin-dark-dashboard", if_on="default", using=store.using)
        assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 18, 18)"


@in_browser("default")
def test_everything_goes_on_without_scripts(browser, root, live_server, story, store):
    dead = story.invoice(ORDER)
    with browser.visit(live_server.url, root, java_script_enabled=False) as visit:
        page = visit.page
        visit.open(EVENTS)
        page.locator("#factos-filter-tag").fill(f"order:{ORDER.number}")
        page.locator(".factos-filter", has=page.locator("#factos-filter-tag")).locator(
            "[type=submit]"
        ).click()
        visit.expect(page.locator("#result_list tbody tr")).to_have_count(1)
        visit.open(f"{EVENTS}explorer/")
        page.get_by_role("button", name="Add an item").click()
        visit.expect(page.get_by_role("group", name="Item 2")).to_be_visible()
        visit.open(f"{EFFECTS}{dead.pk}/drop/")
        page.get_by_role("textbox", name="Reason").fill("She was refunded")
        page.get_by_role("button", name="Yes, drop it").click()
        visit.expect(main(visit)).to_contain_text("She was refunded")
        append([ConferenceOpened(f"{number}", 1) for number in range(60)], using=store.using)
        visit.open(EVENTS)
        page.get_by_role("link", name="Older", exact=True).click()
        visit.expect(page.locator("#result_list tbody tr")).to_have_count(47)


#: What the keyboard is at: its words, or the name of a field.
FOCUSED = """(({innerText, type, value, name}) => (
  innerText || (["submit", "button"].includes(type) ? value : name) || ""
).trim())(document.activeElement)"""


@in_browser("default")
def test_an_effect_is_tried_again_by_the_keyboard_alone(visit, story, store):
    page, dead = visit.page, story.invoice(ORDER)

    def tab_to(name: str) -> None:
        """Press Tab until what has this text, value or name has the focus, and can be seen to have it."""
        passed = []
        while name not in passed:
            page.keyboard.press("Tab")
            passed.append(page.evaluate(FOCUSED))
            assert len(passed) < 120, " | ".join(passed)
        assert page.evaluate("document.activeElement.matches(':focus-visible')")

    visit.open(EFFECTS)
    tab_to("1 dead")
    page.keyboard.press("Enter")
    visit.expect(page.locator("#result_list tbody tr")).to_have_count(1)
    tab_to(str(dead.pk))
    page.keyboard.press("Enter")
    visit.expect(main(visit)).to_contain_text("550 5.1.1")
    tab_to("TRY AGAIN")
    page.keyboard.press("Enter")
    visit.expect(page.get_by_role("textbox", name="Reason")).to_be_visible()
    tab_to("reason")
    page.keyboard.type("By the keyboard")
    tab_to("Yes, try it again")
    page.keyboard.press("Enter")
    visit.expect(main(visit)).to_contain_text("By the keyboard")
