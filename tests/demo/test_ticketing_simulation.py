"""The ticketing domain, simulated: what a project's own simulation looks like, and what it finds."""

from dataclasses import replace

import pytest

from demo_project.ticketing.domain import (
    BuyTicket,
    ConferenceOpened,
    OpenConference,
    SoldOut,
    TicketSold,
    conference_openings,
    opening_context,
    sale_context,
    sales_by_conference,
    ticket_sales,
    tickets_sold,
)
from factos_django.testing import CommandKind, Invariant, SimulationFailed, assert_sound_context, simulate

CONFERENCES = ("gleamconf", "djangocon")


def openings(random):
    return OpenConference(random.choice(CONFERENCES), random.randint(0, 4))


def purchases(random):
    return BuyTicket(random.choice(CONFERENCES), random.choice(("ada", "grace", "renata")))


def never_oversold(sales):
    """No conference sells more than it has."""
    for conference, window in sales.items():
        if window.left < 0:
            return f"{conference} sold {window.sold} of {window.capacity} tickets"
    return None


def opened_once(facts):
    opened = [each.event.conference for each in facts if isinstance(each.event, ConferenceOpened)]
    assert len(opened) == len(set(opened)), f"opened: {opened}"


def selling(decider=ticket_sales, query=sale_context, seed=1, steps=60):
    return simulate(
        seed,
        steps=steps,
        commands=[
            CommandKind(openings, decider=conference_openings, query=opening_context),
            CommandKind(purchases, decider=decider, query=query, weight=3),
        ],
        invariants=[Invariant(never_oversold, view=sales_by_conference), opened_once],
    )


@pytest.mark.parametrize("seed", range(20))
def test_no_conference_sells_more_than_it_has(seed):
    run = selling(seed=seed)
    assert run.refusals["SoldOut"] > 0
    assert any(isinstance(each.event, TicketSold) for each in run.facts)


def decide_overselling(window, command):
    """One ticket too many."""
    if window.sold > window.capacity:
        return ticket_sales.decide(window, command)
    return [TicketSold(command.conference, command.buyer)]


overselling = replace(ticket_sales, decide=decide_overselling)


def caught(**options):
    with pytest.raises(SimulationFailed) as failed:
        selling(**options)
    return failed.value


def printed_test_of(error):
    names = {}
    exec(error.test, names)
    [test] = [each for name, each in names.items() if name.startswith("test_")]
    return test


@pytest.mark.parametrize("seed", range(5))
def test_an_oversale_is_found_and_printed_short(seed):
    error = caught(decider=overselling, seed=seed)
    assert [type(each) for each in error.commands] == [BuyTicket]
    assert "never_oversold: " in str(error)
    assert "sold 1 of 0 tickets" in str(error)
    assert f"seed {seed}, command " in str(error)


def test_the_printed_test_fails_until_the_bug_is_mended():
    test = printed_test_of(caught(decider=overselling))
    with pytest.raises(AssertionError):
        test()
    test.__globals__["overselling"] = ticket_sales
    with pytest.raises(SoldOut):
        test()


def decide_without_looking(window, command):
    return [TicketSold(command.conference, command.buyer)] if window.capacity else []


looking_away = replace(ticket_sales, decide=decide_without_looking)


def test_a_run_that_takes_several_commands_is_printed_whole():
    error = caught(decider=looking_away)
    opening, *sales = error.commands
    assert [type(each) for each in sales] == [BuyTicket] * (opening.capacity + 1)
    with pytest.raises(AssertionError):
        printed_test_of(error)()


def openings_only(command):
    return opening_context(OpenConference(command.conference, 1))


def test_a_query_that_is_too_narrow_is_found_by_both():
    error = caught(query=openings_only)
    with pytest.raises(AssertionError):
        printed_test_of(error)()
    history = [ConferenceOpened("gleamconf", 1), TicketSold("gleamconf", "ada")]
    with pytest.raises(AssertionError, match=r"the query does not see TicketSold\(.*to SoldOut"):
        assert_sound_context(
            given=history, when=[BuyTicket("gleamconf", "eve")], decider=ticket_sales, query=openings_only
        )


def test_the_facts_of_a_simulated_run_are_facts_to_try_a_context_with():
    run = selling()
    facts = [each.event for each in run.facts]
    buying = [each for each in run.commands if isinstance(each, BuyTicket)][:5]
    assert_sound_context(given=facts, when=buying, decider=ticket_sales, query=sale_context)
    with pytest.raises(AssertionError, match="the query does not see"):
        assert_sound_context(
            given=facts,
            when=buying,
            decider=ticket_sales,
            query=lambda command: tickets_sold(command.conference),
        )
