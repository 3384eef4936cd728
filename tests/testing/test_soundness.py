import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import strategies

from demo_project.settings import BASE_DIR
from demo_project.ticketing.domain import (
    BuyTicket,
    ConferenceOpened,
    OpenConference,
    SaleFact,
    SoldOut,
    TicketSold,
    TicketWindow,
    conference_openings,
    evolve,
    opening_context,
    sale_context,
    ticket_sales,
)
from factos_django import Decider, DomainError, Proposed, Query, QueryItem, event_type
from factos_django.testing import assert_sound_context
from factos_django.testing.soundness import smallest

GLEAM = "gleamconf"
OPENED = ConferenceOpened(GLEAM, 1)
SOLD = TicketSold(GLEAM, "ada")
BUY = BuyTicket(GLEAM, "renata")
ELSEWHERE = (ConferenceOpened("djangocon", 1), TicketSold("djangocon", "ada"), TicketSold("djangocon", "eve"))


def openings_only(command):
    return Query.of(QueryItem(types=[ConferenceOpened], tags=[f"event:{command.conference}"]))


def own_tickets_only(command):
    """Too narrow by a tag: it sees what this buyer bought, and no one else."""
    own = [f"event:{command.conference}", f"buyer:{command.buyer}"]
    return Query.of(
        QueryItem(types=[ConferenceOpened], tags=[f"event:{command.conference}"]),
        QueryItem(types=[TicketSold], tags=own),
    )


def failure_of(*facts, when=(BUY,), decider=ticket_sales, query=sale_context, **options):
    with pytest.raises(AssertionError) as failed:
        assert_sound_context(given=facts, when=when, decider=decider, query=query, **options)
    return str(failed.value)


# The ticketing domain


@pytest.mark.parametrize("facts", [(), (OPENED,), (OPENED, SOLD), (OPENED, SOLD, SOLD)], ids=len)
def test_the_contexts_of_the_demo_are_sound(facts):
    history = [*ELSEWHERE, *facts, *ELSEWHERE]
    here = BuyTicket("djangocon", "renata")
    assert_sound_context(given=history, when=[BUY, here], decider=ticket_sales, query=sale_context)
    openings = [OpenConference(GLEAM, 1), OpenConference("djangocon", 2), OpenConference("new", 0)]
    assert_sound_context(given=history, when=openings, decider=conference_openings, query=opening_context)


def test_a_context_of_too_few_types_is_found_and_shown_with_one_fact():
    message = failure_of(*ELSEWHERE, OPENED, SOLD, SOLD, *ELSEWHERE, query=openings_only)
    assert message.startswith(
        "the query does not see TicketSold(conference='gleamconf', buyer='ada') with tags"
        " ['event:gleamconf', 'buyer:ada'], and it changes the decision from"
        " [TicketSold(conference='gleamconf', buyer='renata')] to SoldOut(capacity=1)\n"
    )
    assert message.count("\n  - ") == message.count("\n  + ") == 1
    assert "djangocon" not in message


def test_a_context_of_too_many_tags_is_found():
    message = failure_of(*ELSEWHERE, OPENED, SOLD, query=own_tickets_only)
    assert "the query does not see TicketSold(conference='gleamconf', buyer='ada')" in message


def test_the_failure_tells_both_readings():
    message = failure_of(OPENED, SOLD, query=openings_only)
    assert "Either the query is too narrow" in message
    assert "Or evolve folds facts that do not concern the command" in message


def test_facts_that_change_it_only_together_are_shown_together():
    opened = ConferenceOpened(GLEAM, 2)
    message = failure_of(opened, SOLD, TicketSold(GLEAM, "eve"), SOLD, query=openings_only)
    assert "buyer='ada') with tags" in message
    assert "buyer='eve') with tags" in message
    assert "and together they change the decision" in message
    assert message.count("\n  - ") == 2


def test_a_moment_at_which_the_decision_differs_is_found_though_it_agrees_in_the_end():
    """In the end both are sold out: only the context of the second moment tells them apart."""
    tickets = [TicketSold(GLEAM, "ada"), TicketSold(GLEAM, "eve")]
    own = [TicketSold(GLEAM, "renata")] * 2
    message = failure_of(ConferenceOpened(GLEAM, 2), *tickets, *own, query=own_tickets_only)
    assert "to SoldOut(capacity=2)" in message


@event_type("tests.soundness.Seen", tags=("x",))
@dataclass(frozen=True)
class Seen:
    name: str


@event_type("tests.soundness.Unseen", tags=("x",))
@dataclass(frozen=True)
class Unseen:
    name: str


class First(DomainError):
    """It has no fields."""


class Second(DomainError):
    """It has no fields either."""


def by_names(changes):
    """A decider that decides otherwise where ``changes`` of the names that it folded, in their order."""

    def decide(names, _command):
        raise Second if changes(names) else First

    return Decider(initial="", decide=decide, evolve=lambda names, event: names + event.name)


def named(names):
    return [Seen(name) if name.isupper() else Unseen(name) for name in names]


SEEN = Query.of(QueryItem(types=[Seen], tags=["x"]))


@pytest.mark.parametrize(
    ("history", "changing"),
    [("abS", "aS"), ("abS", "ab"), ("Sab", "abS"), ("abS", "Sab")],
    ids=["one alone", "all up to a moment", "all of them first", "all of them last"],
)
def test_facts_left_out_are_added_in_several_ways(history, changing):
    decider = by_names(lambda names: names == changing)
    message = failure_of(*named(history), decider=decider, query=SEEN)
    assert "from First() to Second()" in message
    assert message.count("\n  - ") == sum(map(str.islower, changing))


def test_facts_that_are_not_needed_are_not_shown():
    decider = by_names(lambda names: {"a", "c", "S"} <= set(names))
    message = failure_of(*named("RabScT"), decider=decider, query=SEEN)
    assert message.count("\n  - ") == 2
    assert message.count("\n  + ") == 1


# Which facts are in reach


def test_an_evolve_that_leaves_subjects_to_the_query_is_not_sound_over_everything():
    message = failure_of(OPENED, TicketSold("djangocon", "ada"), wider=Query.all())
    assert "the query does not see TicketSold(conference='djangocon', buyer='ada')" in message


def evolve_own(window: TicketWindow, event: SaleFact) -> TicketWindow:
    """Tells subjects apart itself."""
    return evolve(window, event) if event.conference == GLEAM else window


def test_an_evolve_that_tells_subjects_apart_is_sound_over_everything():
    careful = replace(ticket_sales, evolve=evolve_own)
    history = [*ELSEWHERE, OPENED, *ELSEWHERE, SOLD]
    options = {"given": history, "when": [BUY], "query": sale_context, "wider": Query.all()}
    assert_sound_context(decider=careful, **options)
    assert "gleamconf" in failure_of(*history, decider=careful, query=openings_only, wider=Query.all())


class HasTicket(DomainError):
    """One ticket a buyer, over all conferences."""

    conference: str


def decide_one_a_buyer(held, command):
    if command.buyer in held:
        raise HasTicket(conference=held[command.buyer])
    return [TicketSold(command.conference, command.buyer)]


one_a_buyer: Decider[Any, Any, Any] = Decider(
    initial={}, decide=decide_one_a_buyer, evolve=lambda held, event: {**held, event.buyer: event.conference}
)


def test_a_subject_that_the_query_does_not_name_is_found_by_saying_what_concerns_the_command():
    def this_conference(command):
        return Query.of(QueryItem(types=[TicketSold], tags=[f"event:{command.conference}"]))

    def this_buyer(command):
        return Query.of(QueryItem(types=[TicketSold], tags=[f"buyer:{command.buyer}"]))

    facts = [SOLD, TicketSold("djangocon", "renata")]
    options = {"decider": one_a_buyer, "query": this_conference}
    message = failure_of(*facts, wider=this_buyer, **options)
    assert "to HasTicket(conference='djangocon')" in message
    assert_sound_context(given=facts, when=[BUY], **options)  # by default it is out of reach
    assert_sound_context(given=[SOLD], when=[BUY], wider=this_buyer, **options)  # what it sees is in reach


@event_type("tests.soundness.Noted", tags=("event:{conference}",))
@dataclass(frozen=True)
class Noted:
    conference: str


def test_facts_that_evolve_does_not_take_are_not_folded():
    assert_sound_context(
        given=[OPENED, Noted(GLEAM), SOLD], when=[BUY], decider=ticket_sales, query=sale_context
    )


def test_an_evolve_without_annotations_is_given_all_facts_of_the_subject_and_a_crash_is_a_change():
    unsaid = replace(ticket_sales, evolve=lambda window, event: evolve(window, event))
    message = failure_of(OPENED, Noted(GLEAM), decider=unsaid)
    assert "does not see Noted(conference='gleamconf')" in message
    assert "AttributeError" in message


def test_a_crash_over_the_query_itself_comes_out():
    broken = replace(ticket_sales, decide=lambda _window, _command: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        assert_sound_context(given=[OPENED], when=[BUY], decider=broken, query=sale_context)


def test_tags_added_to_a_fact_count():
    tagged = Proposed(TicketSold("djangocon", "ada"), tags=(f"event:{GLEAM}",))
    assert "with tags ['event:djangocon', 'buyer:ada', 'event:gleamconf']" in failure_of(
        OPENED, tagged, query=openings_only
    )


def test_errors_of_another_class_or_with_other_fields_are_another_decision():
    twice = (OPENED, ConferenceOpened(GLEAM, 0))
    message = failure_of(
        *twice, query=lambda _c: Query.of(QueryItem(types=[TicketSold], tags=[f"event:{GLEAM}"]))
    )
    assert "from SoldOut(capacity=0) to [TicketSold" in message

    def always_refused(window, _command):
        raise SoldOut(capacity=window.sold)

    counting = replace(ticket_sales, decide=always_refused)
    message = failure_of(OPENED, SOLD, decider=counting, query=openings_only)
    assert "from SoldOut(capacity=0) to SoldOut(capacity=1)" in message


@pytest.mark.parametrize("facts", [(), ELSEWHERE], ids=["none", "others"])
def test_a_check_that_tried_nothing_fails(facts):
    assert "nothing was tried" in failure_of(*facts)


def test_a_check_of_no_commands_fails():
    assert "nothing was tried" in failure_of(OPENED, when=())


# Hypothesis

SALES = strategies.lists(
    strategies.one_of(
        strategies.builds(
            ConferenceOpened, strategies.sampled_from([GLEAM, "djangocon"]), strategies.integers(0, 3)
        ),
        strategies.builds(
            TicketSold, strategies.sampled_from([GLEAM, "djangocon"]), strategies.sampled_from("abc")
        ),
    ),
    max_size=8,
)
BUYING = strategies.lists(
    strategies.builds(BuyTicket, strategies.just(GLEAM), strategies.sampled_from("abc"))
)


@pytest.mark.parametrize("when", [[BUY], BUYING], ids=["commands", "drawn commands"])
def test_facts_may_be_drawn_by_hypothesis(when):
    assert_sound_context(given=SALES, when=when, decider=ticket_sales, query=sale_context)


def test_commands_alone_may_be_drawn_by_hypothesis():
    facts = iter([OPENED, SOLD])
    assert_sound_context(given=facts, when=BUYING, decider=ticket_sales, query=sale_context)


@pytest.mark.parametrize("query", [openings_only, own_tickets_only])
@pytest.mark.parametrize("when", [[BUY], BUYING], ids=["commands", "drawn commands"])
def test_what_hypothesis_finds_is_shown_small(query, when):
    with pytest.raises(AssertionError) as failed:
        assert_sound_context(given=SALES, when=when, decider=ticket_sales, query=query)
    message = str(failed.value)
    assert message.count("\n  - ") == message.count("\n  + ") == 1
    assert "ConferenceOpened(conference='gleamconf', capacity=1)" in message


def test_it_needs_no_hypothesis():
    script = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['factos_django'])\n"
        "django.setup()\n"
        "from demo_project.ticketing.domain import *\n"
        "from factos_django.testing import assert_sound_context\n"
        "assert_sound_context(given=[ConferenceOpened('c', 1)], when=[BuyTicket('c', 'a')],"
        " decider=ticket_sales, query=sale_context)\n"
        "print('sound')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=BASE_DIR, capture_output=True, text=True, check=False
    )
    assert done.stdout == "sound\n", done.stderr


# Shrinking


@pytest.mark.parametrize("needed", [(), (0,), (7,), (3, 11), (0, 1, 2, 12)])
def test_only_what_is_needed_is_left(needed):
    assert smallest(range(13), lambda some: set(needed) <= set(some)) == needed


def test_it_shrinks_no_longer_than_it_may():
    asked = []

    def fails(some):
        asked.append(some)
        return {3, 11} <= set(some)

    left = smallest(range(100), fails, 5)
    assert len(asked) == 5
    assert {3, 11} <= set(left)
