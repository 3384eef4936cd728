"""The made-up history: every fact of it is one that the deciders allow, and it is recorded once."""

from __future__ import annotations

from collections import Counter, defaultdict
from io import StringIO
from itertools import chain, islice
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from demo_project.banking.domain import AccountClosed, CloseAccount, MoneyTransferred, OpenAccount
from demo_project.billing.domain import InvoiceIssued, InvoiceVoided
from demo_project.registration.domain import UsernameReleased
from demo_project.showcase.history import COMING, COMING_CAPACITY, history
from demo_project.showcase.memory import Memory
from demo_project.showcase.names import people
from demo_project.showcase.past import Past
from demo_project.showcase.seeding import BATCH, every_fact, first_facts, record
from demo_project.ticketing.domain import BuyTicket, ConferenceOpened, TicketSold
from factos_django import Query
from factos_django.core.event_types import EVENT_TYPES
from factos_django.models import Effect, Event
from factos_django.projections.rebuilding import check
from factos_django.registry import PROJECTIONS
from factos_django.store import append, read
from factos_django.testing import InMemoryLog, run_projections
from tests.stores import Store, on_databases

CONTEXTS = ("ticketing", "registration", "banking", "billing")


def facts_of(seed, number):
    return list(chain(*first_facts(history(seed), number)))


@pytest.fixture(scope="module")
def ten_thousand():
    return facts_of(1, 10_000)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_decider_accepts_each_command_again_and_makes_the_same_facts(seed):
    log = InMemoryLog()
    for decision in islice(history(seed), 1_200):
        again = log.dispatch(decision.command, decider=decision.decider, query=decision.query)
        assert [each.event for each in again.events] == [fact.event for fact in decision.facts]


def test_it_finds_in_memory_what_the_log_finds():
    log, memory = InMemoryLog(), Memory()
    for decision in islice(history(3), 400):
        assert memory.matching(decision.query) == [each.event for each in log.read(decision.query)]
        memory.remember(each.event for each in log.append(decision.facts))


def test_the_same_seed_makes_the_same_facts_under_the_same_ids_and_another_seed_makes_others():
    first, longer, other = facts_of(1, 300), facts_of(1, 700), facts_of(2, 300)
    assert longer[: len(first)] == first
    assert not {fact.id for fact in first} & {fact.id for fact in other}
    assert [fact.event for fact in first] != [fact.event for fact in other]


def test_all_that_can_happen_happens(ten_thousand):
    assert 10_000 <= len(ten_thousand) < 10_010
    types = {type(fact.event) for fact in ten_thousand}
    declared = {
        each.cls
        for each in EVENT_TYPES
        if each.cls.__module__ in {f"demo_project.{name}.domain" for name in CONTEXTS}
    }
    assert types == declared
    assert {AccountClosed, InvoiceVoided, MoneyTransferred, UsernameReleased} <= types


def test_tickets_are_few_and_some_conferences_are_sold_out(ten_thousand):
    facts = [fact.event for fact in ten_thousand]
    capacities = {each.conference: each.capacity for each in facts if isinstance(each, ConferenceOpened)}
    sold = Counter(each.conference for each in facts if isinstance(each, TicketSold))
    assert 200 < sold.total() < 400
    full = {conference for conference, tickets in sold.items() if tickets == capacities[conference]}
    assert full
    assert full < set(capacities)
    assert (capacities[COMING], sold[COMING]) == (COMING_CAPACITY, 0)


def test_the_numbers_of_each_series_have_no_gaps(ten_thousand):
    numbers = defaultdict(list)
    for each in (fact.event for fact in ten_thousand):
        if isinstance(each, InvoiceIssued):
            numbers[each.series].append(each.number)
    assert len(numbers) > 6
    assert all(given == list(range(1, len(given) + 1)) for given in numbers.values())


def test_each_fact_says_who_did_it_and_belongs_to_a_story_whose_facts_cause_one_another(ten_thousand):
    stories = defaultdict(list)
    for fact in ten_thousand:
        assert fact.metadata["actor"]
        assert fact.metadata["source_context"] in CONTEXTS
        stories[fact.metadata["correlation_id"]].append(fact)
    assert max(map(len, stories.values())) >= 4
    for first, *others in stories.values():
        assert "causation_id" not in first.metadata
        for cause, fact in zip([first, *others], others, strict=False):
            assert UUID(fact.metadata["causation_id"]) == cause.id


def test_what_is_refused_or_is_nothing_to_do_leaves_no_trace():
    past, other = Past(1), Past(1)
    assert past.decide("ada", BuyTicket("nowhere", "ada")) is None
    made = past.decide("ada", OpenAccount("ada"))
    assert made is not None
    assert made == other.decide("ada", OpenAccount("ada"))
    assert past.decide("ada", OpenAccount("ada")) is None
    closed = past.decide("ada", CloseAccount("ada"))
    assert closed == other.decide("ada", CloseAccount("ada"))


def test_no_name_is_given_twice():
    class NoChance:
        def shuffle(self, names):
            pass

    names = list(islice(people(NoChance()), 2_500))
    assert len(set(names)) == 2_500


def seed(*options, using="default"):
    out = StringIO()
    call_command("seed_demo", *options, f"--database={using}", "--no-color", stdout=out)
    return out.getvalue()


@on_databases()
def test_it_is_recorded_once_and_all_tables_are_right(store: Store):
    told = seed("--facts=1200", using=store.using)
    assert told == "1,200 facts of all contexts are there; 1,200 of them are new.\n"
    recorded = [each.event for each in read(Query.all(), using=store.using)]
    assert recorded == [fact.event for fact in facts_of(1, 1_200)]
    assert "; 0 of them are new." in seed("--facts=1200", using=store.using)
    run_projections(using=store.using)
    names = [each.name for each in PROJECTIONS if each.name.partition(".")[0] in CONTEXTS]
    assert len(names) >= 4
    assert all(check(name, using=store.using).is_right for name in names)
    tickets = sum(isinstance(each, TicketSold) for each in recorded)
    assert Effect.objects.using(store.using).filter(reactor="ticketing.announce").count() == tickets > 0


@pytest.mark.django_db
def test_it_goes_on_where_it_was_broken_off():
    batches = first_facts(history(1), 1_000)
    assert next(record(batches, "default")) == (BATCH, BATCH)
    assert seed("--facts=1000").startswith("1,000 facts of all contexts are there; 500 of them are new.")
    assert Event.objects.count() == 1_000


@pytest.mark.django_db
def test_a_log_that_holds_other_facts_of_the_demo_is_left_as_it_is():
    append([ConferenceOpened("gleamconf-2026", 1)])
    with pytest.raises(CommandError, match=r"Nothing was seeded: the log holds other facts .* make clean"):
        seed("--facts=10")
    assert Event.objects.count() == 1


@pytest.mark.django_db
def test_no_more_is_recorded_behind_what_others_have_done_since():
    seed("--facts=500")
    append([ConferenceOpened("gleamconf-2026", 1)])
    assert "; 0 of them are new." in seed("--facts=500")
    with pytest.raises(CommandError, match="the log holds other facts"):
        seed("--facts=600")
    assert Event.objects.count() == 501


@pytest.mark.django_db
def test_verbosity_0_prints_nothing():
    assert seed("--facts=10", "--verbosity=0") == ""


def test_every_context_is_asked_whether_it_is_empty():
    types = {name for item in every_fact().items for name in item.types}
    assert {fact.event.__class__ for fact in facts_of(1, 3_000)} == {
        each.cls for each in EVENT_TYPES if each.name in types
    }
