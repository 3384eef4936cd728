"""What lies behind a page: the facts, the query and the decision, on any decider."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.template.loader import render_to_string
from django.test import RequestFactory

from demo_project.behind import FACTS_SHOWN, behind
from demo_project.ticketing.domain import (
    BuyTicket,
    ConferenceOpened,
    OpenConference,
    SoldOut,
    TicketSold,
    TicketWindow,
    conference_openings,
    opening_context,
    sale_context,
    ticket_sales,
)
from factos_django import InvalidTag, Query, QueryItem
from factos_django.models import Event
from factos_django.store import append
from tests.stores import on_databases

pytestmark = pytest.mark.django_db


def behind_purchase(conference="djangocon"):
    return behind(BuyTicket(conference, "you"), decider=ticket_sales, query=sale_context)


def shown(seen, user=None, **context):
    """What a reader sees of it, with single spaces."""
    request = RequestFactory().get("/")
    request.user = user or AnonymousUser()
    html = render_to_string("behind.html", {"behind": seen, **context}, request)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split()), html


def test_it_tells_the_query_the_facts_newest_first_and_their_state():
    recorded = append([ConferenceOpened("djangocon", 2), TicketSold("djangocon", "ada")])
    append([TicketSold("elsewhere", "eve")])
    seen = behind_purchase()
    assert seen.query == sale_context(BuyTicket("djangocon", "you"))
    assert list(seen.facts) == list(reversed(recorded))
    assert (seen.count, seen.older, seen.position) == (2, 0, recorded[-1].position)
    assert seen.state == TicketWindow(capacity=2, sold=1)


def test_it_tells_what_the_decider_would_record_and_records_nothing():
    append([ConferenceOpened("djangocon", 2)])
    seen = behind_purchase()
    (fact,) = seen.new_facts
    assert fact.event == TicketSold("djangocon", "you")
    assert (fact.type, fact.tags) == ("TicketSold", ("event:djangocon", "buyer:you"))
    assert seen.refusal is None
    assert Event.objects.count() == 1


def test_it_tells_the_refusal_with_its_fields():
    append([ConferenceOpened("djangocon", 1), TicketSold("djangocon", "ada")])
    seen = behind_purchase()
    assert isinstance(seen.refusal, SoldOut)
    assert seen.refusal_fields == {"capacity": 1}
    assert seen.new_facts == ()


def test_where_there_is_nothing_to_do_there_is_neither():
    append([ConferenceOpened("djangocon", 1)])
    seen = behind(OpenConference("djangocon", 1), decider=conference_openings, query=opening_context)
    assert (seen.new_facts, seen.refusal, seen.refusal_fields) == ((), None, {})
    assert "Nothing to do." in shown(seen)[0]


def test_all_facts_are_folded_and_the_newest_are_shown():
    recorded = append(
        [ConferenceOpened("djangocon", 99), *[TicketSold("djangocon", f"{n}") for n in range(30)]]
    )
    seen = behind_purchase()
    assert (seen.count, seen.older, seen.state.sold) == (31, 31 - FACTS_SHOWN, 30)
    assert [fact.position for fact in seen.facts] == [each.position for each in recorded[:-21:-1]]
    assert "31 match, newest first; 11 older ones not shown:" in shown(seen)[0]


def test_without_a_fact_the_state_is_the_initial_one():
    seen = behind_purchase("nowhere")
    assert (seen.facts, seen.count, seen.position, seen.state) == ((), 0, 0, ticket_sales.initial)
    assert "None matches." in shown(seen)[0]


def test_a_query_may_be_given_itself():
    append([ConferenceOpened("djangocon", 1), TicketSold("elsewhere", "eve")])
    seen = behind(BuyTicket("djangocon", "you"), decider=ticket_sales, query=Query.all())
    assert seen.count == 2
    assert "Which facts can change the answer? all of them" in shown(seen)[0]


def test_items_of_a_query_are_told_apart_by_the_word_that_joins_them():
    either = Query.of(
        QueryItem(types=[ConferenceOpened], tags=["event:djangocon"]),
        QueryItem(types=[TicketSold], tags=["event:djangocon", "buyer:you"]),
    )
    text, _ = shown(behind(BuyTicket("djangocon", "you"), decider=ticket_sales, query=either))
    told = "ConferenceOpened , tagged event:djangocon or TicketSold , tagged event:djangocon and buyer:you"
    assert f"Which facts can change the answer? {told} The facts" in text


def test_what_no_tag_can_hold_is_refused_at_once():
    with pytest.raises(InvalidTag):
        behind_purchase("x" * 300)


@on_databases("postgres", "mariadb")
def test_a_page_waits_for_no_open_purchase_and_no_purchase_waits_for_it(store, session, settings):
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 0.2  # whoever waits for a lock fails
    append([ConferenceOpened("djangocon", 2)], using=store.using)
    buyer = session("buyer")
    buyer.begin()
    buyer.run(buyer.log.append, [TicketSold("djangocon", "ada")])
    seen = behind(BuyTicket("djangocon", "you"), decider=ticket_sales, query=sale_context, using=store.using)
    assert seen.state == TicketWindow(capacity=2, sold=0)
    buyer.commit()


def test_the_panel_tells_all_of_it_in_words():
    append([ConferenceOpened("djangocon", 1)])
    text, _ = shown(behind_purchase())
    assert "BuyTicket(conference='djangocon', buyer='you')" in text
    assert "ConferenceOpened or TicketSold , tagged event:djangocon" in text
    assert "1 matches: #" in text
    assert "TicketWindow(capacity=1, sold=0)" in text
    assert "Accepted. It would record this, if no matching fact has come by then: TicketSold(" in text
    append([TicketSold("djangocon", "ada")])
    text, _ = shown(behind_purchase(), title="Behind the purchase")
    assert text.startswith("Behind the purchase")
    assert "Refused. The conference has no ticket left. SoldOut(capacity=1)" in text


def test_what_a_fact_holds_is_text_and_never_markup():
    append([ConferenceOpened("djangocon", 2), TicketSold("djangocon", "<b>ada</b>")])
    text, html = shown(behind_purchase())
    assert "<b>ada</b>" in text
    assert "<b>" not in html


def test_a_fact_links_to_its_page_in_the_admin_for_those_who_may_see_it():
    (fact,) = append([ConferenceOpened("djangocon", 2)])
    seen = behind_purchase()
    in_admin, in_api = f'"/admin/factos/event/{fact.position}/change/"', f'"/api/events/{fact.position}/"'
    _, for_visitors = shown(seen)
    assert in_api in for_visitors
    assert in_admin not in for_visitors
    _, for_root = shown(seen, User.objects.create_superuser("root"))
    assert in_admin in for_root
    _, for_clerks = shown(seen, User.objects.create_user("clerk", is_staff=True))
    assert in_admin not in for_clerks
