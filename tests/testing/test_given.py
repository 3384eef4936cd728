from dataclasses import dataclass, replace
from typing import Any

import pytest

from demo_project.ticketing.domain import (
    BuyTicket,
    ConferenceOpened,
    SoldOut,
    TicketSold,
    sale_context,
    ticket_sales,
)
from factos_django import (
    Decider,
    Deliver,
    DomainError,
    InvalidTag,
    NotAnEvent,
    Proposed,
    Query,
    QueryItem,
    Reactor,
    View,
    event_type,
)
from factos_django.testing import given

GLEAM = "gleamconf-2026"
OPENED = ConferenceOpened(GLEAM, 1)
SOLD = TicketSold(GLEAM, "ada")
ELSEWHERE = TicketSold("djangocon", "ada")
BUY = BuyTicket(GLEAM, "renata")


class Waiting(DomainError):
    """There is a queue."""

    length: int = 0


def buying(*facts, query=sale_context, decider=ticket_sales):
    return given(*facts).when(BUY, decider=decider, query=query)


def tickets_only(command):
    return Query.of(QueryItem(types=[TicketSold], tags=[f"event:{command.conference}"]))


def misspelt(command):
    return Query.of(QueryItem(types=[ConferenceOpened, TicketSold], tags=[f"evnt:{command.conference}"]))


# then


def test_then_takes_exactly_the_events_that_were_decided():
    buying(OPENED).then(TicketSold(GLEAM, "renata"))


@pytest.mark.parametrize(
    "expected",
    [(), (TicketSold(GLEAM, "ada"),), (TicketSold(GLEAM, "renata"), SOLD)],
    ids=["none", "another", "more"],
)
def test_then_fails_for_other_events_and_shows_both(expected):
    with pytest.raises(AssertionError) as failed:
        buying(OPENED).then(*expected)
    assert f"expected {list(expected)!r}" in str(failed.value)
    assert "it decided [TicketSold(conference='gleamconf-2026', buyer='renata')]" in str(failed.value)


def test_then_fails_with_the_domain_error_as_cause():
    with pytest.raises(AssertionError, match=r"it raised SoldOut\(capacity=1\)") as failed:
        buying(OPENED, SOLD).then(TicketSold(GLEAM, "renata"))
    assert isinstance(failed.value.__cause__, SoldOut)


def test_then_compares_the_bare_event_of_a_proposal():
    proposing = Decider(
        initial=0, decide=lambda _s, _c: [Proposed(SOLD, tags=("x",))], evolve=lambda s, _e: s
    )
    buying(decider=proposing).then(SOLD)


# then_nothing

idle: Decider[Any, int, Any] = Decider(
    initial=0, decide=lambda _state, _command: [], evolve=lambda state, _event: state
)


def test_then_nothing_takes_a_decision_of_no_events():
    buying(OPENED, decider=idle).then_nothing()


@pytest.mark.parametrize("facts", [(OPENED,), (OPENED, SOLD)], ids=["events", "error"])
def test_then_nothing_fails_for_events_and_for_errors(facts):
    with pytest.raises(AssertionError):
        buying(*facts).then_nothing()


# then_raises


def test_then_raises_takes_an_error_of_the_same_class_and_fields_or_the_class():
    buying(OPENED, SOLD).then_raises(SoldOut(capacity=1))
    buying(OPENED, SOLD).then_raises(SoldOut)


@pytest.mark.parametrize("expected", [SoldOut(capacity=2), Waiting(), Waiting, DomainError], ids=repr)
def test_then_raises_fails_for_other_fields_or_another_class_even_a_base(expected):
    with pytest.raises(AssertionError, match=r"but it raised SoldOut\(capacity=1\)"):
        buying(OPENED, SOLD).then_raises(expected)


def test_then_raises_fails_when_nothing_was_raised():
    with pytest.raises(AssertionError, match=r"expected SoldOut\(capacity=1\), but it decided \[TicketSold"):
        buying(OPENED).then_raises(SoldOut(capacity=1))


def test_an_error_that_is_no_domain_error_comes_out_as_it_is():
    broken = replace(ticket_sales, decide=lambda _window, _command: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        buying(OPENED, decider=broken)


# The query


def test_only_facts_that_the_query_matches_are_folded():
    buying(OPENED, ELSEWHERE).then(TicketSold(GLEAM, "renata"))


def test_a_context_that_is_too_small_fails_and_the_failure_shows_what_it_did_not_see():
    with pytest.raises(AssertionError) as failed:
        buying(OPENED, SOLD, ELSEWHERE, query=tickets_only).then_raises(SoldOut(capacity=1))
    message = str(failed.value)
    assert "The query did not see these given facts:" in message
    assert (
        "ConferenceOpened(conference='gleamconf-2026', capacity=1) with tags ['event:gleamconf-2026']"
        in message
    )
    assert (
        "TicketSold(conference='djangocon', buyer='ada') with tags ['event:djangocon', 'buyer:ada']"
        in message
    )
    assert "TicketSold(conference='gleamconf-2026', buyer='ada') with tags" not in message


def test_a_failure_says_so_when_the_query_saw_every_fact():
    with pytest.raises(AssertionError, match=r"The query saw every fact\."):
        buying(OPENED).then_nothing()


def test_the_query_may_be_given_as_it_is():
    buying(OPENED, SOLD, query=Query.all()).then_raises(SoldOut)


@pytest.mark.parametrize("facts", [(), (OPENED, SOLD)])
def test_a_misspelt_tag_fails_whatever_the_decision_would_be(facts):
    with pytest.raises(AssertionError, match=r"evnt:gleamconf-2026.* guards nothing.*misspelt"):
        buying(*facts, query=misspelt)


def test_a_tag_that_a_given_fact_carries_is_not_misspelt():
    tagged = Proposed(OPENED, tags=(f"evnt:{GLEAM}",))
    buying(tagged, query=misspelt).then(TicketSold(GLEAM, "renata"))


def test_what_could_not_be_appended_was_not_decided_well():
    no_event = replace(ticket_sales, decide=lambda _window, _command: ["text"])
    with pytest.raises(NotAnEvent):
        buying(OPENED, decider=no_event)
    no_tag = replace(ticket_sales, decide=lambda _window, _command: [TicketSold("", "ada")])
    with pytest.raises(InvalidTag):
        buying(OPENED, decider=no_tag)


def test_what_is_given_must_be_an_event():
    with pytest.raises(NotAnEvent):
        given("text")


def test_a_given_scene_can_be_decided_twice():
    scene = given(OPENED)
    scene.when(BUY, decider=ticket_sales, query=sale_context).then(TicketSold(GLEAM, "renata"))
    scene.when(BUY, decider=ticket_sales, query=sale_context).then(TicketSold(GLEAM, "renata"))


# Impure folds


def mutating(state, event):
    state.append(event)
    return state


def mutating_and_copying(state, event):
    state.append(event)
    return list(state)


class Growing:
    """A fold that gives another answer each time."""

    calls = 0

    def __call__(self, state, event):
        self.calls += 1
        return state + self.calls


@pytest.mark.parametrize("evolve", [mutating, mutating_and_copying])
def test_an_evolve_that_changes_its_argument_is_caught(evolve):
    decider = Decider(initial=[], decide=lambda _state, _command: [], evolve=evolve)
    with pytest.raises(AssertionError, match=r"evolve changed its argument \[\]"):
        buying(OPENED, decider=decider)
    with pytest.raises(AssertionError, match=r"evolve changed its argument \[\]"):
        given(OPENED).project(View(initial=[], evolve=evolve))


def test_the_initial_state_is_left_as_it_was_even_by_an_evolve_that_changes_its_argument():
    initial = []
    with pytest.raises(AssertionError):
        buying(OPENED, decider=Decider(initial=initial, decide=lambda _s, _c: [], evolve=mutating))
    assert initial == []


@pytest.mark.parametrize("facts", [(OPENED,), (OPENED, SOLD)])
def test_an_evolve_that_varies_is_caught(facts):
    with pytest.raises(AssertionError, match=r"evolve folded .* and then into"):
        buying(*facts, decider=Decider(initial=0, decide=lambda _s, _c: [], evolve=Growing()))
    with pytest.raises(AssertionError, match=r"evolve folded .* and then into"):
        given(*facts).project(View(initial=0, evolve=Growing()))


class ByIdentity:
    """A state that is equal to nothing but itself."""

    def __init__(self, count):
        self.count = count


def test_states_compared_by_identity_pass():
    counting = Decider(
        initial=ByIdentity(0),
        decide=lambda state, _command: [SOLD] * state.count,
        evolve=lambda state, _event: ByIdentity(state.count + 1),
    )
    buying(OPENED, SOLD, decider=counting).then(SOLD, SOLD)
    view = View(initial=ByIdentity(0), evolve=lambda state, _event: ByIdentity(state.count + 1))
    assert given(OPENED).project(view).state.count == 1


def test_an_evolve_that_raises_comes_out():
    with pytest.raises(ZeroDivisionError):
        buying(OPENED, decider=Decider(initial=0, decide=lambda _s, _c: [], evolve=lambda s, _e: 1 // s))


# Views


def test_project_folds_every_given_fact_as_recorded():
    places = View(initial=(), evolve=lambda state, recorded: (*state, (recorded.position, recorded.event)))
    given(OPENED, SOLD).project(places).then(((1, OPENED), (2, SOLD)))


def test_project_gives_a_view_the_tags_and_the_metadata():
    first = View(initial=None, evolve=lambda _state, recorded: (recorded.tags, recorded.metadata))
    scene = given(Proposed(OPENED, tags=("x",), metadata={"actor": "ada"}))
    scene.project(first).then(((f"event:{GLEAM}", "x"), {"actor": "ada"}))


def test_a_projection_that_is_not_as_expected_shows_both_states():
    count = View(initial=0, evolve=lambda state, _recorded: state + 1)
    with pytest.raises(AssertionError, match="expected 3, but the view folded 2"):
        given(OPENED, SOLD).project(count).then(3)


# Reactors


@dataclass(frozen=True)
class Mail:
    to: str


def react(recorded):
    match recorded.event:
        case TicketSold(buyer=buyer):
            return [Mail(buyer), Deliver(Mail("organiser"), key="k", delay=60)]
        case _:
            return []


@pytest.mark.parametrize("reactor", [Reactor(react), react], ids=["Reactor", "function"])
def test_react_collects_the_effects_of_all_facts_in_order(reactor):
    given(OPENED, SOLD).react(reactor).then(Mail("ada"), Deliver(Mail("organiser"), key="k", delay=60))
    given(OPENED).react(reactor).then()


def test_a_bare_effect_matches_it_under_any_delivery_but_a_delivery_only_itself():
    given(SOLD).react(react).then(Mail("ada"), Mail("organiser"))
    for wrong in (Deliver(Mail("organiser")), Deliver(Mail("organiser"), key="k", delay=61)):
        with pytest.raises(AssertionError):
            given(SOLD).react(react).then(Mail("ada"), wrong)
    with pytest.raises(AssertionError):
        given(SOLD).react(react).then(Deliver(Mail("ada")), Mail("organiser"))


@pytest.mark.parametrize(
    "effects",
    [(), (Mail("ada"),), (Mail("organiser"), Mail("ada")), (Mail("ada"), Mail("eve"))],
    ids=["none", "fewer", "other order", "another"],
)
def test_other_effects_fail_and_both_are_shown(effects):
    with pytest.raises(AssertionError, match=r"but it asked for \[Mail\(to='ada'\), Deliver\(") as failed:
        given(SOLD).react(react).then(*effects)
    assert f"expected {list(effects)!r}" in str(failed.value)


# A type whose tags come from a function


@event_type("tests.given.Moved", tags=lambda moved: [f"place:{moved.place}"])
@dataclass(frozen=True)
class Moved:
    place: str


def test_a_type_with_a_tag_function_is_never_called_misspelt():
    query = Query.of(QueryItem(types=[Moved], tags=["plaice:x"]))
    given(Moved("x")).when("command", decider=idle, query=query).then_nothing()
