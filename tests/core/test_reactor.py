from types import SimpleNamespace
from typing import Any

from factos_django import Reactor, merge_reactors, react, react_all

mail: Reactor[Any, str] = Reactor(lambda recorded: [f"mail {recorded.event}"])
bill: Reactor[Any, str] = Reactor(lambda recorded: (f"bill {recorded.event}", f"book {recorded.event}"))
rest: Reactor[Any, str] = Reactor(lambda recorded: [])
FIRST, SECOND = SimpleNamespace(event="a"), SimpleNamespace(event="b")


def test_a_reactor_names_effects_and_may_be_called():
    assert react(mail, FIRST) == ("mail a",)
    assert tuple(mail(FIRST)) == ("mail a",)
    assert react(rest, FIRST) == ()


def test_facts_are_reacted_to_in_their_order():
    assert react_all(bill, iter([FIRST, SECOND])) == ("bill a", "book a", "bill b", "book b")
    assert react_all(bill, []) == ()


def test_merged_reactors_ask_for_the_effects_of_both_the_first_ones_first():
    assert react(merge_reactors(mail, bill), FIRST) == ("mail a", "bill a", "book a")
    assert react_all(merge_reactors(rest, mail), [FIRST, SECOND]) == ("mail a", "mail b")
