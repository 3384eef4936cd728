"""A stampede: concurrent buyers in the process of the page. What is counted is the log."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import pytest
from django.db import connections

from demo_project.ticketing import stampede as module
from demo_project.ticketing.domain import ConferenceOpened
from demo_project.ticketing.sale import ACCEPTED, Answer, Sale
from demo_project.ticketing.stampede import AT_ONCE, stampede
from factos_django import StoreBusy
from factos_django.guards.log import LogGuardByRow
from factos_django.models import Event
from factos_django.stamps import stamp
from factos_django.store import append
from tests.stores import flushed, on_databases
from tests.without_locks import without_locks

GLEAM = "gleamconf-2026"


def sale(using, attempts, concurrency=AT_ONCE):
    return Sale(GLEAM, attempts=attempts, concurrency=concurrency, hold_seconds=0, using=using)


def tickets_in(using):
    """The buyers of the log, asked in another way than the demo does."""
    rows = Event.objects.using(using).filter(type="TicketSold", data__conference=GLEAM)
    return [row.data["buyer"] for row in rows]


@on_databases()
def test_every_ticket_is_sold_and_never_one_too_many(store):
    append([ConferenceOpened(GLEAM, 25)], using=store.using)
    done = stampede(sale(store.using, attempts=60))
    assert (done.tally.accepted, done.tally.sold_out, dict(done.tally.errors)) == (25, 35, {})
    assert len(tickets_in(store.using)) == len(set(tickets_in(store.using))) == done.recorded == 25
    assert done.is_as_it_should_be(25)
    told = "60 buyers came at once: 25 sold, 35 refused (SoldOut), in "
    assert done.in_words(25).startswith(told)
    assert done.in_words(25).endswith(" seconds. The log holds 25 of 25 tickets, none too many.")


# On SQLite a transaction that begins IMMEDIATE is alone anyway.
@on_databases("postgres", "mariadb")
def test_without_the_guard_it_sells_too_many_and_says_so(store, monkeypatch):
    monkeypatch.setattr(LogGuardByRow, "hold", lambda self, using: None)
    append([ConferenceOpened(GLEAM, 5)], using=store.using)
    with without_locks(store.using):
        done = stampede(replace(sale(store.using, attempts=40), hold_seconds=0.02))
    assert len(tickets_in(store.using)) == done.recorded > 5
    assert not done.is_as_it_should_be(5)
    assert "TOO MANY" in done.in_words(5)


@on_databases()
def test_the_buyers_come_from_threads_that_have_a_connection_each_and_close_it(store, monkeypatch):
    append([ConferenceOpened(GLEAM, 40)], using=store.using)
    seen = {}
    real = module.answer_to

    def answer_to(*given):
        answer = real(*given)
        seen[threading.get_ident()] = connections[store.using]
        return answer

    monkeypatch.setattr(module, "answer_to", answer_to)
    stampede(sale(store.using, attempts=40))
    assert len({id(each) for each in seen.values()}) == AT_ONCE
    assert connections[store.using] not in seen.values()
    assert all(each.connection is None for each in seen.values())


@flushed("default")
def test_its_facts_carry_the_stamps_of_the_request():
    append([ConferenceOpened(GLEAM, 3)])
    with stamp(correlation_id="one-stampede"):
        stampede(sale("default", attempts=3))
    found = Event.objects.filter(type="TicketSold").values_list("metadata__correlation_id", flat=True)
    assert list(found) == ["one-stampede"] * 3


def told_of(answers, monkeypatch, recorded=1, concurrency=AT_ONCE):
    """What is told of these answers, one a buyer."""
    left = list(reversed(answers))
    lock = threading.Lock()

    def answer_to(*_):
        with lock:
            answer = left.pop()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(module, "answer_to", answer_to)
    monkeypatch.setattr(module, "count_recorded", lambda *_: recorded)
    return stampede(sale("default", len(answers), concurrency))


@flushed("default")
def test_whoever_was_turned_away_or_failed_is_told_of_with_the_reason(monkeypatch):
    busy = Answer("StoreBusy", detail=str(StoreBusy(using="default", seconds=5)))
    broken = Answer("OperationalError", detail="disk I/O error")
    done = told_of([busy, busy, broken, Answer(ACCEPTED)], monkeypatch)
    assert not done.is_as_it_should_be(2)
    assert "4 buyers came at once: 1 sold, 0 refused (SoldOut)," in done.in_words(2)
    assert "2 turned away: busy (StoreBusy)" in done.in_words(2)
    assert "1 failed (OperationalError: disk I/O error)" in done.in_words(2)


@flushed("default")
def test_the_buyers_of_a_thread_that_ends_badly_are_counted_too(monkeypatch):
    answers = [Answer(ACCEPTED), SystemError("the thread is gone"), Answer(ACCEPTED)]
    done = told_of(answers, monkeypatch, concurrency=1)
    assert done.tally.accepted == 1
    assert done.tally.errors == Counter(SystemError=2)  # and that of whoever came after it


@flushed("default")
def test_a_ticket_too_many_would_be_told_loudly(monkeypatch):
    done = told_of([Answer(ACCEPTED)], monkeypatch, recorded=3)
    assert not done.is_as_it_should_be(2)
    assert done.in_words(2).endswith("The log holds 3 of 2 tickets, 1 TOO MANY.")


@flushed("default")
def test_the_button_lets_them_in_and_tells(client):
    append([ConferenceOpened(GLEAM, 5)])
    response = client.post(f"/tickets/{GLEAM}/stampede/", {"buyers": "8"}, follow=True)
    assert response.redirect_chain == [(f"/tickets/{GLEAM}/", 302)]
    (told,) = response.context["messages"]
    assert (told.level_tag, len(tickets_in("default"))) == ("success", 5)
    assert str(told).startswith("8 buyers came at once: 5 sold, 3 refused (SoldOut), in ")


@flushed("default")
@pytest.mark.parametrize("buyers", ["0", "201", "many", ""])
def test_no_more_come_than_the_page_allows(client, buyers):
    append([ConferenceOpened(GLEAM, 5)])
    response = client.post(f"/tickets/{GLEAM}/stampede/", {"buyers": buyers}, follow=True)
    (told,) = response.context["messages"]
    assert (told.level_tag, str(told)[:8], tickets_in("default")) == ("error", "Buyers: ", [])
    assert client.get(f"/tickets/{GLEAM}/stampede/").status_code == 405
