import datetime
import enum
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from factos_django import (
    Decider,
    DomainError,
    InvalidTag,
    Proposed,
    Query,
    QueryItem,
    View,
    event_type,
    upcaster,
)
from factos_django.testing import CommandKind, Invariant, SimulationFailed, simulate
from factos_django.testing.simulation import _Source


class Currency(enum.Enum):
    EURO = "EUR"


@event_type("tests.simulation.Paid", version=3, tags=("account:{account}",))
@dataclass(frozen=True)
class Paid:
    account: str
    amount: int


@upcaster("tests.simulation.Paid", 2)
def amount_is_named(data):
    return {"account": data["account"], "amount": data["value"]}


@event_type("tests.simulation.Loose")
@dataclass(frozen=True)
class Loose:
    """Its field comes back as a list."""

    members: Any


@event_type("tests.simulation.Apart")
@dataclass(frozen=True, eq=False)
class Apart:
    """It is equal to nothing but itself."""


@dataclass(frozen=True)
class Pay:
    account: str
    amount: int


class TooMuch(DomainError):
    """There is not so much."""

    balance: int


def decide(balance, command):
    if balance + command.amount < 0:
        raise TooMuch(balance=balance)
    return [Paid(command.account, command.amount)] if command.amount else []


def evolve(balance: int, event: Paid) -> int:
    return balance + event.amount


def account(command):
    return Query.of(QueryItem(types=[Paid], tags=[f"account:{command.account}"]))


accounts: Decider[Any, int, Paid] = Decider(initial=0, decide=decide, evolve=evolve)


def payments(random):
    return Pay(random.choice("ab"), random.randint(-3, 3))


def held(_facts):
    """An invariant that always holds."""


def recorded_balance(balance, recorded):
    return balance + recorded.event.amount


total = View(initial=0, evolve=recorded_balance)


def run(*invariants, seed=1, make=payments, decider=accounts, query=account, **options):
    kinds = [CommandKind(make, decider=decider, query=query)]
    return simulate(seed, commands=kinds, invariants=invariants, **options)


def caught(*invariants, **options):
    with pytest.raises(SimulationFailed) as failed:
        run(*invariants, **options)
    return failed.value


def printed_test_of(error):
    names = {}
    exec(error.test, names)
    [test] = [each for name, each in names.items() if name.startswith("test_")]
    return test


def fails_as_printed(error):
    with pytest.raises(AssertionError):
        printed_test_of(error)()
    return True


# Runs that hold


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    first, again, other = run(held), run(held), run(held, seed=2)
    assert first == again
    assert first.facts
    assert first.commands != other.commands


def test_it_dispatches_as_many_commands_as_it_is_told():
    assert len(run(held, steps=7).commands) == 7
    assert run(held, steps=0).commands == ()


def test_a_refusal_is_a_normal_outcome_and_counted():
    done = run(held, make=[Pay("a", -1), Pay("a", 1), Pay("a", 0)], steps=50)
    refused, nothing = done.refusals["TooMuch"], done.commands.count(Pay("a", 0))
    assert refused > 0
    assert len(done.facts) == 50 - refused - nothing


def test_commands_may_be_taken_from_a_list():
    assert set(run(held, make=[Pay("a", 1), Pay("b", 2)]).commands) == {Pay("a", 1), Pay("b", 2)}


def test_a_kind_of_no_weight_is_never_drawn():
    kinds = [
        CommandKind([Pay("a", 1)], decider=accounts, query=account),
        CommandKind([Pay("b", 1)], decider=accounts, query=account, weight=0),
    ]
    assert set(simulate(1, commands=kinds, invariants=[held]).commands) == {Pay("a", 1)}


def test_each_kind_goes_through_its_own_decider_and_query():
    doubling = replace(accounts, decide=lambda _balance, command: [Paid(command.account, 2)])
    kinds = [
        CommandKind([Pay("a", 1)], decider=accounts, query=account),
        CommandKind([Pay("b", 1)], decider=doubling, query=account),
    ]
    done = simulate(1, commands=kinds, invariants=[held])
    assert {each.event for each in done.facts} == {Paid("a", 1), Paid("b", 2)}


def test_invariants_are_asked_before_the_first_command_and_after_each():
    seen = []
    done = run(lambda facts: seen.append(tuple(facts)), steps=9)
    assert [len(facts) for facts in seen] == sorted(len(facts) for facts in seen)
    assert len(seen) == 10
    assert seen[0] == ()
    assert seen[-1] == done.facts


def test_given_facts_come_first_and_are_decided_from():
    done = run(held, make=[Pay("a", -5)], steps=2, given=[Proposed(Paid("a", 5), tags=("x",))])
    assert [each.event for each in done.facts] == [Paid("a", 5), Paid("a", -5)]
    assert done.facts[0].tags == ("account:a", "x")
    assert done.refusals == {"TooMuch": 1}


# Runs that fail


def at_most_four(facts):
    balance = sum(each.event.amount for each in facts)
    return None if balance <= 4 else f"there are {balance}"


def asserts_at_most_four(facts):
    assert sum(each.event.amount for each in facts) <= 4


def total_at_most_four(balance):
    return None if balance <= 4 else f"there are {balance}"


def asks_for_the_fifth(facts):
    return None if len(facts) < 5 else facts[17]


LIMITS = [at_most_four, asserts_at_most_four, Invariant(total_at_most_four, view=total)]


@pytest.mark.parametrize("limit", LIMITS, ids=["sentence", "assert", "view"])
def test_a_broken_invariant_is_found_named_made_short_and_printed(limit):
    error = caught(held, limit, steps=100)
    assert "at_most_four: " in str(error)
    assert error.test in str(error)
    assert 2 <= len(error.commands) <= 4
    assert all(each.amount > 0 for each in error.commands)
    assert fails_as_printed(error)


@pytest.mark.parametrize("limit", LIMITS, ids=["sentence", "assert", "view"])
def test_no_command_of_the_shortest_run_can_be_dropped(limit):
    commands = caught(limit, steps=100).commands
    for dropped in range(len(commands)):
        fewer = [*commands[:dropped], *commands[dropped + 1 :]]
        assert sum(each.amount for each in fewer) <= 4


def test_the_failure_tells_the_sentence_of_the_first_run_and_of_the_shortest():
    error = caught(at_most_four, make=[Pay("a", 1), Pay("a", -1)], steps=200)
    first, second, *_ = str(error).splitlines()
    assert first.startswith("seed 1, command ")
    assert first.endswith(" of 200: at_most_four: there are 5")
    assert second == "shortened to 5: at_most_four: there are 5"


def test_a_breach_that_heals_later_is_found():
    def once_four(facts):
        return "four" if len(facts) == 4 else None

    assert len(caught(once_four, make=[Pay("a", 1)]).commands) == 4


def test_the_same_seed_fails_the_same():
    assert str(caught(at_most_four)) == str(caught(at_most_four))


def test_an_invariant_that_crashes_fails_and_is_printed():
    error = caught(asks_for_the_fifth, make=[Pay("a", 1)])
    assert len(error.commands) == 5
    assert isinstance(error.__cause__, IndexError)
    with pytest.raises(IndexError):
        printed_test_of(error)()


@pytest.mark.parametrize("answer", [True, False, 0])
def test_an_invariant_that_returns_no_sentence_is_refused(answer):
    with pytest.raises(TypeError, match="returns None or a sentence"):
        run(lambda _facts: answer)


def test_given_facts_that_break_an_invariant_are_printed_with_no_command():
    error = caught(at_most_four, given=[Paid("a", 5)])
    assert error.commands == ()
    assert "seed 1, command 0 of 100" in str(error)
    assert fails_as_printed(error)


def decide_dividing(balance, command):
    if balance == 2:
        raise ZeroDivisionError
    return decide(balance, command)


dividing = replace(accounts, decide=decide_dividing)


def test_a_decider_that_crashes_is_made_short_and_printed():
    error = caught(decider=dividing, make=[Pay("a", 1), Pay("a", 0), Pay("b", 0)])
    assert error.commands[:2] == (Pay("a", 1), Pay("a", 1))
    assert len(error.commands) == 3
    assert "raised ZeroDivisionError()" in str(error)
    assert isinstance(error.__cause__, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        printed_test_of(error)()


def decide_untagged(_balance, command):
    return [Paid("", command.amount)]


def test_an_event_that_cannot_be_recorded_is_found():
    error = caught(decider=replace(accounts, decide=decide_untagged))
    with pytest.raises(InvalidTag):
        printed_test_of(error)()


def decide_loosely(_balance, command):
    return [Loose([command.amount]), Loose((command.amount,))]


def test_an_event_that_its_codec_changes_is_found():
    error = caught(decider=replace(accounts, decide=decide_loosely))
    assert "Loose(members=(" in str(error)
    assert "does not survive its codec: it was read as Loose(members=[" in str(error)
    assert len(error.commands) == 1
    assert fails_as_printed(error)


def test_an_event_that_compares_by_identity_passes():
    apart = replace(accounts, decide=lambda _balance, _command: [Apart()], evolve=lambda state, _event: state)
    assert len(run(held, decider=apart).facts) == 100
    run(held, stored=[("tests.simulation.Apart", 1, {})])


def begins_with_a(facts):
    return None if not facts or facts[0].event.account == "a" else "it begins with b"


def test_a_run_made_short_fails_in_the_same_way():
    error = caught(begins_with_a, at_most_four, make=[Pay("a", 1), Pay("b", 1)], seed=1)
    assert "at_most_four" in str(error).splitlines()[1]
    assert len(error.commands) == 5
    assert Pay("b", 1) in error.commands


@pytest.mark.parametrize("tries", range(8))
def test_the_command_that_fails_is_the_last_one_however_soon_shrinking_stops(monkeypatch, tries):
    failing = int(str(caught(at_most_four, seed=7)).split(" of ")[0].rpartition(" ")[2])
    monkeypatch.setattr("factos_django.testing.simulation._SHRINKING", tries * failing)
    error = caught(at_most_four, seed=7)
    assert f"shortened to {len(error.commands)}: " in str(error)
    assert sum(each.amount for each in error.commands[:-1]) <= 4
    assert fails_as_printed(error)


def test_it_stops_shrinking_when_that_takes_too_long(monkeypatch):
    monkeypatch.setattr("factos_django.testing.simulation._SHRINKING", 0)
    assert len(caught(at_most_four, make=[Pay("a", 0), Pay("a", 1)]).commands) > 5


# Stored samples


def test_a_stored_sample_comes_through_its_upcasters():
    stored = [
        ("tests.simulation.Paid", 3, {"account": "a", "amount": 1}),
        ("tests.simulation.Paid", 2, {"account": "a", "value": 1}),
    ]
    run(held, stored=stored)


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (("tests.simulation.Paid", 1, {"account": "a", "value": 1}), "no @upcaster"),
        (("tests.simulation.Paid", 2, {"account": "a", "amount": 1}), "KeyError"),
        (("tests.simulation.Paid", 2, {"account": "a", "value": "x"}), "Expected `int`"),
        (("tests.simulation.Paid", 2, {"account": "", "value": 1}), "empty string"),
        (("tests.simulation.Paid", 4, {}), "newer code"),
        (("tests.simulation.Payed", 1, {}), "no class is registered"),
    ],
    ids=["no upcaster", "upcaster fails", "wrong field", "no tag", "newer", "unknown"],
)
def test_a_stored_sample_that_cannot_be_read_fails(sample, reason):
    with pytest.raises(AssertionError, match=reason):
        run(held, stored=[sample])


# What is printed


@dataclass(frozen=True)
class Elaborate:
    account: str
    currency: Currency
    when: datetime.datetime
    rate: Decimal
    id: UUID
    parts: tuple[Pay, ...]
    named: dict[str, frozenset[int]]
    nothing: tuple[()] = ()

    @dataclass(frozen=True)
    class Inner:
        text: str


ELABORATE = Elaborate(
    account="it's",
    currency=Currency.EURO,
    when=datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    rate=Decimal("1.10"),
    id=UUID(int=7),
    parts=(Pay("a", 1),),
    named={"x": frozenset({1}), "y": frozenset()},
)
seen: list[Any] = []


def decide_and_keep(_state, command):
    seen.append(command)
    raise LookupError


keeping: Decider[Any, Any, Any] = Decider(
    initial=None, decide=decide_and_keep, evolve=lambda state, _event: state
)


@pytest.mark.parametrize("command", [ELABORATE, Elaborate.Inner("x"), Decimal(3), "text"], ids=type)
def test_a_command_is_printed_so_that_it_is_the_same_again(command):
    error = caught(make=[command], decider=keeping, query=Query.all())
    seen.clear()
    with pytest.raises(LookupError):
        printed_test_of(error)()
    assert seen == [command]


def test_a_printed_test_imports_the_names_of_the_project_and_of_the_package_root():
    error = caught(Invariant(total_at_most_four, view=total), make=[Pay("a", 5)])
    assert error.test == (
        "from factos_django import Query, project\n"
        "from factos_django.testing import InMemoryLog\n"
        f"from {__name__} import Pay, account, accounts, total, total_at_most_four\n"
        "\n\n"
        "def test_total_at_most_four():\n"
        "    log = InMemoryLog()\n"
        "    log.dispatch(Pay(account='a', amount=5), decider=accounts, query=account)\n"
        "    facts = tuple(log.read(Query.all()))\n"
        "    assert total_at_most_four(project(total, facts)) is None\n"
    )


def test_a_decider_and_a_query_without_a_name_are_printed_in_full():
    unnamed = replace(accounts, decide=decide_untagged, evolve=evolve)
    query = Query.of(QueryItem(types=[Paid], tags=["account:a"]), QueryItem(types=[Loose]))
    error = caught(decider=unnamed, query=query)
    assert "decider=Decider(initial=0, decide=decide_untagged, evolve=evolve)" in error.test
    with pytest.raises(InvalidTag):
        printed_test_of(error)()


def test_a_local_function_is_printed_by_its_name():
    def local(facts):
        return "too many" if facts else None

    error = caught(local, make=[Pay("a", 1)])
    assert "assert local(facts) is None" in error.test
    assert "import local" not in error.test


def test_two_things_of_one_name_are_told_apart():
    source = _Source()
    assert source._imported("a.b", "decide") == "decide"
    assert source._imported("c.d", "decide") == "c.d.decide"
    assert source._imported("a.b", "decide") == "decide"
    assert source.imports() == "import c.d\nfrom a.b import decide"
