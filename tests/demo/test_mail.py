"""Each ticket is announced by mail: what the reactor asks for, and what the handler does, with no worker."""

from __future__ import annotations

from dataclasses import fields

import pytest

from demo_project.ticketing.announcements import make_trouble, put_right, unaccounted
from demo_project.ticketing.domain import AnnounceTicketSale, ConferenceOpened, TicketSold
from demo_project.ticketing.factos import announce, announce_ticket_sale
from demo_project.ticketing.mail import MailboxBusy, UnknownMailbox
from demo_project.ticketing.models import Mail, Mailbox
from factos_django import Delivery
from factos_django.core.effect import effect_type_of
from factos_django.effects.steering import retry
from factos_django.models import Effect
from factos_django.store import append
from factos_django.testing import given

GLEAM = "gleamconf-2026"


def sold(*buyers):
    return [TicketSold(GLEAM, buyer) for buyer in buyers]


def test_each_ticket_is_announced_and_an_opening_is_not():
    given(ConferenceOpened(GLEAM, 1), *sold("ada")).react(
        lambda recorded: announce(recorded) if isinstance(recorded.event, TicketSold) else []
    ).then(AnnounceTicketSale(GLEAM, "ada", 2))


def test_the_effect_is_stored_under_this_name_and_these_fields():
    """It is in databases: a change needs a new version and an upcaster."""
    assert effect_type_of(AnnounceTicketSale(GLEAM, "ada", 1)).name == "ticketing.AnnounceTicketSale"
    assert [field.name for field in fields(AnnounceTicketSale)] == ["conference", "buyer", "position"]


@pytest.mark.django_db
def test_a_mail_is_sent_once_however_often_the_handler_is_called():
    for attempt in (1, 2):
        announce_ticket_sale(AnnounceTicketSale(GLEAM, "ada", 7), Delivery(key="k", attempt=attempt))
    mail = Mail.objects.get()
    assert (mail.key, mail.buyer, mail.attempt) == ("k", "ada", 1)
    assert str(mail) == f"ada: Your ticket for {GLEAM} is number 7."


@pytest.mark.django_db
def test_a_busy_mailbox_takes_the_third_attempt_and_an_unknown_one_is_dead_until_it_is_put_right(
    deliver_effects, pending_effects
):
    append([ConferenceOpened(GLEAM, 3), *sold("ada", "ida", "eva")])
    assert make_trouble() == ("ada", "ida")
    with pytest.raises(MailboxBusy):
        deliver_effects()
    assert len(deliver_effects(raising=False)) == 1  # that to eva
    assert Effect.objects.get(state="dead").error.startswith(f"{UnknownMailbox.__name__}: ")
    assert list(unaccounted()) == ["2 of 3 tickets are not announced"]
    assert [each.attempt for each in deliver_effects()] == [3]
    put_right(["ida"])
    assert list(Mailbox.objects.values_list("buyer", flat=True)) == ["ada"]
    retry(Effect.objects.get(state="dead").pk)
    assert [each.attempt for each in deliver_effects()] == [2]
    assert pending_effects() == []
    assert list(unaccounted()) == []


@pytest.mark.django_db
def test_trouble_is_made_for_what_is_new_alone():
    assert make_trouble() is None
    append([ConferenceOpened(GLEAM, 3), *sold("ada")])
    assert make_trouble() is None
    append(sold("ida"))
    Effect.objects.update(attempts=1)
    assert make_trouble() is None
