"""The checker finds what is wrong: one small wrong history for each way in which a promise can break."""

from dataclasses import replace

import pytest

from tests.history.checker import check
from tests.history.faults import Run
from tests.history.operations import (
    NEVER,
    Append,
    Asked,
    Freeze,
    History,
    Journal,
    Kill,
    Outage,
    Reading,
    Transaction,
)
from tests.history.outages import check_prefix, resumed, without_unflushed
from tests.history.tables import Fact, Log, matches
from tests.history.waiting import check_deadlocks, check_freezes, check_parallel

RED, GREEN = "history.Red", "history.Green"
COURSE = {"items": [{"types": [], "tags": ["course:1"]}]}
EVERYTHING = {"all": True}


def fact(position, identity="a1/0", *, append=None, kind=RED, tags=("course:1",)):
    return Fact(position, identity, kind, frozenset(tags), append or identity.partition("/")[0])


def accepted(name="a1", *positions, at=10, form="blind", tags=("course:1",), **about):
    """An append that was accepted at these positions, by itself in transaction ``t-<name>`` if not told."""
    facts = tuple(Asked(RED, tuple(tags)) for _ in positions)
    about = {"mark": name, "transaction": f"t-{name}", "facts": facts, "outcome": "accepted"} | about
    about |= {"recorder": about.get("recorder", name), "positions": positions}
    return Append(name=name, form=form, invoked=at, completed=at + 5, **about)


def rejected(name="a2", *, conflicts, at=30, after=None, query=COURSE, **about):
    """A conditional append that was rejected for these positions."""
    refused = accepted(name, at=at, form="conditional", query=query, after=after, **about)
    return replace(refused, outcome="rejected", recorder=None, conflicts=tuple(conflicts))


def transaction(append, outcome="committed", **about):
    """The transaction of an append, as long as the append itself."""
    about = {"begun": append.invoked, "committing": append.invoked, "ended": append.completed} | about
    return Transaction(append.transaction, about.pop("process", 1), outcome=outcome, **about)


def follow(*seen, after=0, checkpoint=None, at=100, source="follow", query=COURSE, **about):
    """One reading, by process 9."""
    checkpoint = (seen[-1][0] if seen else after) if checkpoint is None else checkpoint
    return Reading(9, source, None, query, after, at, at + 5, seen, checkpoint, **about)


def faults(log, *operations):
    return check(History.of(*operations), log)


def committed(*appends):
    """The appends, each with a transaction that committed."""
    return [operation for append in appends for operation in (append, transaction(append))]


def found(log, *operations):
    """The guarantees that the checker finds broken."""
    return {fault.guarantee for fault in faults(log, *operations)}


def test_a_right_history_has_no_fault():
    first, second = accepted("a1", 1, 2), accepted("a2", 3, at=20, form="conditional", query=COURSE, after=2)
    third = accepted("a3", 4, at=30, form="dispatched", query=COURSE, saw=("a1/0", "a1/1", "a2/0"))
    log = Log.of(fact(1), fact(2, "a1/1"), fact(3, "a2/0"), fact(4, "a3/0"))
    reading = follow((1, "a1/0"), (2, "a1/1"), (3, "a2/0"), (4, "a3/0"))
    refused = rejected("a4", conflicts=[3, 4], at=40, after=2)
    rolled_back = transaction(refused, "rolled back")
    assert faults(log, *committed(first, second, third), refused, rolled_back, reading) == []


def test_g1_a_part_of_an_append_is_found():
    assert found(Log.of(fact(1)), *committed(accepted("a1", 1, 2))) == {"G1"}


def test_g1_an_accepted_append_without_facts_is_found():
    assert found(Log.of(), *committed(accepted("a1", 1))) == {"G1"}


def test_g1_facts_of_a_rolled_back_transaction_are_found():
    append = accepted("a1", 1)
    assert found(Log.of(fact(1)), append, transaction(append, "rolled back")) == {"G1"}


def test_g1_facts_of_a_rolled_back_savepoint_are_found():
    outer, inner = accepted("a1", 1), accepted("a2", 2, at=11)
    savepoint = transaction(inner, "rolled back", parent="t-a1")
    log = Log.of(fact(1), fact(2, "a2/0"))
    assert found(log, outer, transaction(outer), inner, savepoint) == {"G1"}
    assert found(Log.of(fact(1)), outer, transaction(outer), inner, savepoint) == set()


def test_g1_facts_of_a_rejected_append_are_found():
    refused = rejected("a2", conflicts=[1], at=20, facts=(Asked(RED, ("course:1",)),))
    log = Log.of(fact(1), fact(2, "a2/0"))
    assert "G1" in found(log, *committed(accepted("a1", 1), refused))


def test_g1_a_fact_that_nobody_asked_for_is_found():
    assert found(Log.of(fact(1)), *committed()) == {"G1"}


def test_g1_a_fact_that_is_recorded_twice_is_found():
    assert found(Log.of(fact(1), fact(2)), *committed(accepted("a1", 1))) == {"G1"}


def test_g1_facts_in_another_order_are_found():
    log = Log.of(fact(1, "a1/1"), fact(2, "a1/0"))
    assert found(log, *committed(accepted("a1", 1, 2))) == {"G1"}


def test_g1_positions_other_than_those_told_are_found():
    assert found(Log.of(fact(2)), *committed(accepted("a1", 1))) == {"G1"}


OTHER_ROWS: tuple[dict[int, frozenset[tuple[str, str]]], ...] = (
    {},
    {1: frozenset({("course:2", RED)})},
    {1: frozenset({("course:1", GREEN)})},
)


@pytest.mark.parametrize("rows", OTHER_ROWS)
def test_g1_rows_of_tags_that_differ_from_the_fact_are_found(rows):
    assert found(Log([fact(1)], rows), *committed(accepted("a1", 1))) == {"G1"}


def test_g1_rows_of_tags_without_a_fact_are_found():
    rows = {position: frozenset({("course:1", RED)}) for position in (1, 2)}
    assert found(Log([fact(1)], rows), *committed(accepted("a1", 1))) == {"G1"}


def test_g1_an_append_whose_outcome_is_unknown_may_be_whole_or_missing_but_not_torn():
    append = accepted("a1", outcome="unknown", facts=(Asked(RED, ("course:1",)),) * 2)
    ended = transaction(append, "unknown")
    assert found(Log.of(), append, ended) == set()
    assert found(Log.of(fact(1), fact(2, "a1/1")), append, ended) == set()
    assert found(Log.of(fact(2, "a1/1")), append, ended) == {"G1"}


def test_g1_a_reading_of_a_part_is_found():
    log = Log.of(fact(1), fact(2, "a1/1"))
    whole, part = follow((1, "a1/0"), (2, "a1/1")), follow((1, "a1/0"))
    operations = committed(accepted("a1", 1, 2))
    assert found(log, *operations, whole) == set()
    assert found(log, *operations, part) == {"G1"}
    assert found(log, *operations, replace(part, limited=True)) == set()


def test_g1_a_decision_from_a_part_is_found():
    decision = accepted("a2", 3, at=30, form="dispatched", query=COURSE, saw=("a1/0",))
    log = Log.of(fact(1), fact(2, "a1/1"), fact(3, "a2/0"))
    assert "G1" in found(log, *committed(accepted("a1", 1, 2), decision))


def test_g2_a_matching_fact_between_the_condition_and_the_append_is_found():
    decision = accepted("a2", 2, at=12, form="conditional", query=COURSE)
    log = Log.of(fact(1), fact(2, "a2/0"))
    assert found(log, *committed(accepted("a1", 1), decision)) == {"G2"}
    assert found(log, *committed(accepted("a1", 1), replace(decision, after=1))) == set()


def test_g2_it_is_no_fault_that_another_fact_lies_between():
    decision = accepted("a2", 2, at=12, form="conditional", query=COURSE)
    log = Log.of(fact(1, tags=("course:10",)), fact(2, "a2/0"))
    assert found(log, *committed(accepted("a1", 1, tags=("course:10",)), decision)) == set()


def test_g2_a_fact_of_the_same_transaction_fails_a_condition_too_even_if_it_is_rolled_back():
    first = accepted("a1", 1)
    second = accepted("a2", 2, at=16, form="conditional", query=COURSE, transaction="t-a1")
    ended = transaction(first, "rolled back", ended=30)
    assert found(Log.of(), first, second, ended) == {"G2"}
    assert found(Log.of(), first, replace(second, after=1), ended) == set()


def test_g2_a_rejection_without_witness_is_found():
    log = Log.of(fact(1, tags=("course:2",)))
    first = accepted("a1", 1, tags=("course:2",))
    assert found(log, *committed(first, rejected(conflicts=[1]))) == {"G2"}


def test_g2_a_rejection_for_a_fact_at_or_below_its_position_is_found():
    assert found(Log.of(fact(1)), *committed(accepted("a1", 1), rejected(conflicts=[1], after=1))) == {"G2"}


def test_g2_a_rejection_for_a_fact_that_was_asked_for_later_is_found():
    later = accepted("a1", 1, at=50)
    assert found(Log.of(fact(1)), *committed(later, rejected(conflicts=[1], at=30))) == {"G2"}


def test_g2_a_rejection_that_names_no_position_is_found():
    assert found(Log.of(fact(1)), *committed(accepted("a1", 1), rejected(conflicts=[]))) == {"G2"}


def test_g2_a_rejection_for_a_fact_of_its_own_transaction_is_right():
    first = accepted("a1", 1)
    refused = rejected(conflicts=[1], at=16, transaction="t-a1")
    assert found(Log.of(), first, refused, transaction(first, "rolled back", ended=40)) == set()


@pytest.mark.parametrize("saw", [(), ("a1/0",), ("a2/0", "a1/0"), ("a1/0", "a2/0", "a9/0")])
def test_g2_a_decision_that_saw_anything_else_than_what_matches_below_it_is_found(saw):
    decision = accepted("a3", 3, at=30, form="dispatched", query=COURSE, saw=saw)
    log = Log.of(fact(1), fact(2, "a2/0"), fact(3, "a3/0"))
    operations = committed(accepted("a1", 1), accepted("a2", 2, at=17), decision)
    assert found(log, *operations) == {"G2"}


def test_g2_a_decision_that_saw_a_fact_above_it_is_found():
    decision = accepted("a2", 1, at=12, form="dispatched", query=COURSE, saw=("a1/0",))
    log = Log.of(fact(1, "a2/0"), fact(2, "a1/0"))
    assert "G2" in found(log, *committed(accepted("a1", 2), decision))


@pytest.mark.parametrize("outcome", ["nothing", "declined"])
def test_g2_a_decision_of_nothing_that_missed_what_was_there_is_found(outcome):
    decision = accepted("a2", at=30, form="dispatched", query=COURSE, outcome=outcome, saw=(), recorder=None)
    operations = committed(accepted("a1", 1))
    assert found(Log.of(fact(1)), *operations, *committed(decision)) == {"G2"}
    assert found(Log.of(fact(1)), *operations, *committed(replace(decision, saw=("a1/0",)))) == set()
    assert found(Log.of(fact(1)), *operations, *committed(replace(decision, invoked=12))) == set()


def test_g2_a_context_that_missed_what_was_there_is_found():
    operations = committed(accepted("a1", 1), accepted("a2", 2, at=20))
    log = Log.of(fact(1), fact(2, "a2/0"))
    first, second = (1, "a1/0"), (2, "a2/0")
    assert found(log, *operations, follow(first, second, source="context")) == set()
    assert found(log, *operations, follow(first, source="context")) == {"G2"}
    assert found(log, *operations, follow(first, source="context", at=22)) == set()
    assert found(log, *operations, follow(second, source="context", at=12)) == {"G2"}


def test_g2_a_context_that_claims_a_position_beyond_what_it_saw_is_found():
    operations = committed(accepted("a1", 1), accepted("a2", 2, at=20))
    log = Log.of(fact(1), fact(2, "a2/0"))
    early = follow((1, "a1/0"), source="context", at=22)
    assert found(log, *operations, early) == set()
    assert found(log, *operations, replace(early, checkpoint=2)) == {"G2"}


def test_g2_a_context_with_a_fact_that_was_rolled_back_is_found():
    append = accepted("a1", 1)
    operations = [append, transaction(append, "rolled back")]
    assert found(Log.of(), *operations, follow((1, "a1/0"), source="context")) == {"G2"}


def test_g3_a_later_append_that_stands_below_an_earlier_one_is_found():
    earlier, later = accepted("a1", 2, at=10), accepted("a2", 1, at=30)
    assert found(Log.of(fact(1, "a2/0"), fact(2)), *committed(earlier, later)) == {"G3"}
    assert found(Log.of(fact(1, "a2/0"), fact(2)), *committed(earlier, replace(later, invoked=12))) == set()


def test_g3_a_fact_that_stands_below_one_of_its_context_and_commits_after_it_is_found():
    below, above = accepted("a1", 1, form="dispatched", query=COURSE, saw=()), accepted("a2", 2, at=16)
    held = transaction(below, committing=40, ended=45)
    log = Log.of(fact(1), fact(2, "a2/0"))
    assert found(log, below, held, *committed(above)) == {"G3"}
    assert found(log, below, replace(held, committing=18), *committed(above)) == set()


def test_g3_contexts_that_do_not_meet_may_commit_in_any_order():
    below = accepted("a1", 1, form="dispatched", query=COURSE, saw=())
    above = accepted("a2", 2, at=16, tags=())
    held = transaction(below, committing=40, ended=45)
    assert found(Log.of(fact(1), fact(2, "a2/0", tags=())), below, held, *committed(above)) == set()


def test_g4_a_fact_that_the_follower_skipped_is_found():
    operations = committed(accepted("a1", 1), accepted("a2", 2, at=20))
    log = Log.of(fact(1), fact(2, "a2/0"))
    skipping = follow((2, "a2/0"))
    assert found(log, *operations, skipping) == {"G4"}
    assert found(log, *operations, follow(checkpoint=2)) == {"G4"}


def test_g4_a_fact_that_the_follower_applied_out_of_order_is_found():
    operations = committed(accepted("a1", 1), accepted("a2", 2, at=20))
    log = Log.of(fact(1), fact(2, "a2/0"))
    assert found(log, *operations, follow((2, "a2/0"), (1, "a1/0"), checkpoint=2)) == {"G4"}


def test_g4_a_fact_that_the_follower_applied_twice_is_found():
    operations = committed(accepted("a1", 1))
    again = follow((1, "a1/0"), at=200, after=1, checkpoint=1)
    assert found(Log.of(fact(1)), *operations, follow((1, "a1/0")), again) == {"G4"}


def test_g4_a_fact_that_the_follower_applied_and_that_never_committed_is_found():
    append = accepted("a1", 1)
    assert found(Log.of(), append, transaction(append, "rolled back"), follow((1, "a1/0"))) == {"G4"}


def test_g4_a_follower_that_does_not_begin_at_its_checkpoint_is_found():
    operations = committed(accepted("a1", 1))
    assert found(Log.of(fact(1)), *operations, follow((1, "a1/0")), follow(at=200, after=0)) == {"G4"}


def test_g4_a_read_that_skipped_a_fact_is_found():
    operations = committed(accepted("a1", 1), accepted("a2", 2, at=20))
    log = Log.of(fact(1), fact(2, "a2/0"))
    assert found(log, *operations, follow((2, "a2/0"), source="read")) == {"G4"}
    assert found(log, *operations, follow((1, "a1/0"), source="read")) == set()


def repeated(name, *positions, at=30, **about):
    """An append under the key ``key-1``, answered by what a1 had recorded."""
    return accepted(name, *positions, at=at, mark="key-1", key="key-1", **{"recorder": "a1", **about})


def test_g8_a_repetition_that_is_told_what_the_first_was_told_is_right():
    log = Log.of(fact(1, "key-1/0", append="a1"), keys={"key-1": (1,)})
    assert found(log, *committed(repeated("a1", 1, at=10), repeated("a2", 1))) == set()


def test_g8_a_repetition_that_records_once_more_is_found():
    log = Log.of(fact(1, "key-1/0", append="a1"), fact(2, "key-1/0", append="a2"), keys={"key-1": (1,)})
    assert found(log, *committed(repeated("a1", 1, at=10), repeated("a2", 2, recorder="a2"))) == {"G8"}


def test_g8_a_repetition_that_is_told_something_else_is_found():
    log = Log.of(fact(1, "key-1/0", append="a1"), keys={"key-1": (1,)})
    assert found(log, *committed(repeated("a1", 1, at=10), repeated("a2", 7))) == {"G8"}


def test_g8_a_repetition_that_is_told_nothing_is_found():
    log = Log.of(fact(1, "key-1/0", append="a1"), keys={"key-1": (1,)})
    second = repeated("a2", outcome="nothing", form="dispatched")
    assert found(log, *committed(repeated("a1", 1, at=10), second)) == {"G8"}


def by_ids(name, *positions, at, **about):
    """An append of facts with the ids of ``mark-1``, answered by what a1 had recorded."""
    return accepted(name, *positions, at=at, mark="mark-1", ids=True, **{"recorder": "a1", **about})


def test_g8_two_results_for_the_same_ids_are_found():
    log = Log.of(fact(1, "mark-1/0", append="a1"), fact(2, "mark-1/0", append="a2"))
    again = by_ids("a2", 2, at=30, recorder="a2")
    assert "G8" in found(log, *committed(by_ids("a1", 1, at=10), again))


def test_g8_the_same_result_for_the_same_ids_is_right():
    log = Log.of(fact(1, "mark-1/0", append="a1"))
    assert found(log, *committed(by_ids("a1", 1, at=10), by_ids("a2", 1, at=30))) == set()


def test_g8_a_condition_that_is_checked_although_the_ids_are_there_is_found():
    log = Log.of(fact(1, "mark-1/0", append="a1"))
    again = rejected("a2", conflicts=[1], mark="mark-1", ids=True)
    refused = transaction(again, "rolled back")
    assert found(log, *committed(by_ids("a1", 1, at=10)), again, refused) == {"G8"}


def test_g8_a_key_that_is_not_kept_is_found():
    log = Log.of(fact(1, "key-1/0", append="a1"))
    assert found(log, *committed(repeated("a1", 1, at=10))) == {"G8"}


def test_g8_a_key_without_its_facts_is_found():
    unknown = repeated("a1", at=10, outcome="unknown", recorder=None)
    assert found(Log.of(keys={"key-1": (1,)}), unknown, transaction(unknown, "unknown")) == {"G8"}


def test_g8_a_repetition_that_is_rejected_by_what_it_recorded_itself_is_found():
    log = Log.of(fact(1, "key-1/0", append="a1"), keys={"key-1": (1,)})
    first = repeated("a1", 1, at=10)
    again = rejected("a2", conflicts=[1], mark="key-1", key="key-1")
    assert found(log, *committed(first, again)) == {"G8"}
    at_once = replace(again, invoked=12)
    assert found(log, *committed(first, at_once)) == set()


def test_g8_a_repetition_that_is_decided_anew_is_found():
    log = Log.of(fact(1, "key-1/0", append="a1"), keys={"key-1": (1,)})
    again = repeated("a2", 1, form="dispatched", query=EVERYTHING, saw=("key-1/0",))
    assert found(log, *committed(repeated("a1", 1, at=10), again)) == {"G8"}


SECOND = 10**9


def lasting(name, begun, ended, **about):
    """An append and its transaction, in a process of its own, both from ``begun`` to ``ended`` (seconds)."""
    about = {"tags": ("course:1",), "outcome": "accepted", "query": COURSE, "form": "conditional"} | about
    about["facts"] = (Asked(RED, tuple(about.pop("tags"))),)
    process = about.pop("process", 1)
    moments = {"invoked": int(begun * SECOND), "completed": int(ended * SECOND)}
    append = replace(accepted(name, **about), **moments)
    return append, transaction(append, process=process)


def held(name="a1", *, ended=3, **about):
    """An append that was soon done, and its transaction, which stays open."""
    append, around = lasting(name, 0, 0.01, **about)
    around = replace(around, committing=ended * SECOND, ended=ended * SECOND + 1)
    return append, around


def slow(*operations):
    """What is said of G5 and G10, the log aside."""
    run = Run(History.of(*operations), Log.of())
    told = [*check_parallel(run), *check_deadlocks(run), *check_freezes(run)]
    return {fault.guarantee for fault in told}


OTHER = {"items": [{"types": [], "tags": ["course:2"]}]}


def test_g5_an_append_that_waited_for_one_with_other_tags_is_found():
    other = {"tags": ("course:2",), "query": OTHER, "process": 2}
    assert slow(*held(), *lasting("a2", 1, 3.1, **other)) == {"G5"}
    assert slow(*held(), *lasting("a2", 1, 1.1, **other)) == set()
    assert slow(*held(), *lasting("a2", 1, 2.9, **other)) == set()  # slow, but not for that one
    assert slow(*held(), *lasting("a2", 2.9, 3.1, **other)) == set()


def test_g5_an_append_that_was_busy_for_one_with_other_tags_is_found():
    busy = {"outcome": "busy", "tags": ("course:2",), "query": OTHER, "process": 2}
    assert slow(*held(), *lasting("a2", 1, 2, **busy)) == {"G5"}
    assert slow(*held(), *lasting("a2", 1, 2, **busy | {"query": COURSE})) == set()


@pytest.mark.parametrize(
    "about",
    [
        {"query": COURSE},
        {"tags": ("course:1",)},
        {"query": EVERYTHING},
        {"query": {"items": [{"types": [RED], "tags": []}]}},
        {"key": "k"},
    ],
)
def test_g5_an_append_that_meets_the_other_may_wait(about):
    other = {"tags": ("course:2",), "query": OTHER, "process": 2} | about
    assert slow(*held(key="k"), *lasting("a2", 1, 3.1, **other)) == set()


def test_g5_an_append_may_wait_for_somebody_who_waits():
    between = {"query": {"items": [COURSE["items"][0], OTHER["items"][0]]}, "process": 3}
    other = {"tags": ("course:2",), "query": OTHER, "process": 2}
    assert slow(*held(), *lasting("a3", 0.5, 3.1, **between), *lasting("a2", 1, 3.1, **other)) == set()


def test_g5_tags_that_both_facts_carry_and_nobody_decides_by_are_no_reason_to_wait():
    blind = {"form": "blind", "query": None, "tags": ("broad",)}
    assert slow(*held(**blind), *lasting("a2", 1, 3.1, process=2, **blind)) == {"G5"}


def test_g9_what_was_acknowledged_to_a_process_that_was_killed_and_is_lost_is_found():
    operations = [*committed(accepted("a1", 1)), Kill(1, 50)]
    assert found(Log.of(), *operations) == {"G9"}
    assert found(Log.of(fact(1)), *operations) == set()


@pytest.mark.parametrize("log", [Log.of(), Log.of(fact(1))])
def test_g9_what_a_process_was_doing_when_it_was_killed_is_there_or_not(log):
    doing = accepted("a1", outcome="unknown", facts=(Asked(RED, ("course:1",)),), recorder=None)
    around = transaction(doing, "unknown", ended=NEVER)
    assert found(log, doing, around, Kill(1, 50)) == set()


def test_g9_a_part_of_what_a_process_was_doing_when_it_was_killed_is_found():
    doing = accepted("a1", outcome="unknown", facts=(Asked(RED, ("course:1",)),) * 2, recorder=None)
    around = transaction(doing, "unknown", ended=NEVER)
    assert found(Log.of(fact(1)), doing, around, Kill(1, 50)) == {"G1"}


def test_g10_an_append_that_waited_too_long_for_a_frozen_process_is_found():
    freeze = Freeze(1, SECOND // 2, 9 * SECOND, limit=1)
    long, short = lasting("a2", 1, 8, process=2), lasting("a2", 1, 2.2, process=2, outcome="busy")
    assert slow(*held(ended=10), freeze, *long) == {"G10"}
    assert slow(*held(ended=10), freeze, *short) == set()
    assert slow(*held(ended=10), *long) == set()


def test_g10_a_deadlock_of_appends_that_are_alone_in_their_transactions_is_found():
    broken = {"outcome": "broken", "process": 2}
    assert slow(*lasting("a1", 1, 2), *lasting("a2", 1, 2, **broken)) == {"G10"}
    several = [*lasting("a1", 1, 2), replace(lasting("a3", 1, 2)[0], transaction="t-a1")]
    assert slow(*several, *lasting("a2", 1, 2, **broken)) == set()
    together = replace(lasting("a3", 1, 2)[0], transaction="t-a2")
    assert slow(*lasting("a1", 1, 2), *lasting("a2", 1, 2, **broken), together) == set()


def test_an_append_that_failed_for_no_reason_is_found():
    failed = accepted("a1", outcome="failed", error="KeyError(1)", recorder=None)
    (fault,) = faults(Log.of(), *committed(failed))
    assert str(fault) == "errors: a1 failed: KeyError(1)"


def test_own_facts_that_were_rolled_back_hide_those_that_got_their_positions_later():
    first = accepted("a1", 1)
    decision = accepted("a2", 2, at=16, form="dispatched", query=COURSE, saw=("a1/0",), transaction="t-a1")
    later = accepted("a3", 1, at=12)  # it waited for the first, and got the position anew
    log = Log.of(fact(1, "a3/0"))
    ended = transaction(first, "rolled back", ended=30)
    assert found(log, first, decision, ended, later, transaction(later, ended=40)) == set()


@pytest.mark.parametrize(
    ("query", "matching"),
    [
        (EVERYTHING, True),
        ({"items": [{"types": [], "tags": ["a"]}]}, True),
        ({"items": [{"types": [], "tags": ["a", "b"]}]}, True),
        ({"items": [{"types": [], "tags": ["a", "c"]}]}, False),
        ({"items": [{"types": [GREEN], "tags": ["a"]}]}, False),
        ({"items": [{"types": [GREEN, RED], "tags": []}]}, True),
        ({"items": [{"types": [GREEN], "tags": []}, {"types": [], "tags": ["b"]}]}, True),
        ({"items": [{"types": [], "tags": ["A"]}]}, False),
    ],
)
def test_the_checker_matches_and_selects_alike(query, matching):
    one = fact(1, tags=("a", "b"))
    assert matches(query, one) is matching
    assert Log.of(one).matching(query) == ([one] if matching else [])


def test_what_a_journal_writes_is_what_a_history_loads(tmp_path):
    append = accepted("a1", 1, 2, form="dispatched", query=COURSE, saw=("a0/0",), key="k", conflicts=(1,))
    operations = [
        append,
        transaction(append, parent=None),
        follow((1, "a1/0")),
        Kill(1, 9),
        Freeze(2, 1, 9, 1.0),
    ]
    journal = Journal(tmp_path / "1.jsonl")
    for operation in operations:
        journal.write(operation)
    journal.close()
    assert History.load([tmp_path / "1.jsonl"]) == History.of(*operations)


def test_what_is_noted_later_of_an_append_replaces_what_was_noted_first_and_a_torn_line_is_left_out(tmp_path):
    path = tmp_path / "1.jsonl"
    append = accepted("a1", 1)
    begun = replace(append, outcome="unknown", positions=(), recorder=None)
    journal = Journal(path)
    for operation in (replace(transaction(append), outcome="unknown"), begun, append, transaction(append)):
        journal.write(operation)
    journal.close()
    path.write_text(path.read_text() + '{"kind": "appe')
    assert History.load([path]) == History.of(append, transaction(append))


# Outages of the server


OUTAGE = Outage(begun=50, dead=55, ended=60)


def test_what_was_acknowledged_before_the_server_was_killed_must_be_there():
    (fault,) = faults(Log.of(), *committed(accepted("a1", 1)), OUTAGE)
    assert fault.guarantee == "G9"
    assert found(Log.of(fact(1)), *committed(accepted("a1", 1)), OUTAGE) == set()


def cut(name, at, process=1):
    """An append that the end of the server cut off."""
    gone = replace(accepted(name, 0, at=at), outcome="cut", positions=(), recorder=None)
    return gone, transaction(gone, "rolled back", process=process)


def test_an_append_is_cut_off_in_a_run_with_an_outage_only():
    assert found(Log.of(), *cut("a1", 48), OUTAGE) == set()
    assert found(Log.of(), *cut("a1", 48)) == {"errors"}


def test_of_an_append_that_was_cut_off_nothing_is_there():
    assert found(Log.of(fact(1)), *cut("a1", 48), OUTAGE) == {"G1"}


def test_a_connection_fails_once_after_the_server_is_back():
    second = Outage(begun=100, dead=105, ended=110)
    during = [*cut("a1", 48), *cut("a2", 53), *cut("a3", 95), *cut("a4", 102)]
    assert found(Log.of(), *during, *cut("a5", 70), OUTAGE, second) == set()
    assert found(Log.of(), *during, *cut("a5", 70), *cut("a6", 80, process=2), OUTAGE, second) == set()
    assert found(Log.of(), *during, *cut("a5", 70), *cut("a6", 80), OUTAGE, second) == {"G10"}


def test_of_a_transaction_that_nobody_knows_the_end_of_all_is_there_or_nothing():
    first, second = accepted("a1", 1, transaction="t"), accepted("a2", 2, at=20, transaction="t")
    unknown = transaction(second, "unknown", begun=10)
    for log in (Log.of(), Log.of(fact(1), fact(2, "a2/0"))):
        assert found(log, first, second, unknown, OUTAGE) == set()
    assert found(Log.of(fact(1)), first, second, unknown, OUTAGE) == {"G1"}


def lossy(log, *operations):
    """What is found where the server may lose what it had acknowledged."""
    history = History.of(*operations)
    faults = [
        *check_prefix(Run(history, log)),
        *check(without_unflushed(history, log, acknowledged=True), log),
    ]
    return {fault.guarantee for fault in faults}


def test_a_server_that_does_not_flush_may_lose_the_last_of_what_it_acknowledged_and_no_others():
    first, second = accepted("a1", 1), accepted("a2", 2, at=20)
    assert lossy(Log.of(fact(1)), *committed(first, second), OUTAGE) == set()
    assert lossy(Log.of(), *committed(first, second), OUTAGE) == set()
    assert lossy(Log.of(fact(2, "a2/0")), *committed(first, second), OUTAGE) == {"G9"}


def test_what_a_server_lost_is_lost_as_a_whole():
    assert lossy(Log.of(fact(1)), *committed(accepted("a1", 1, 2)), OUTAGE) == {"G1"}


def test_a_decision_that_survives_was_made_from_what_survives():
    lost, kept = accepted("a1", 1), accepted("a2", 2, at=12, form="dispatched", query=COURSE, saw=("a1/0",))
    declined = replace(kept, name="a3", mark="a3", transaction="t-a3", outcome="declined", positions=())
    assert lossy(Log.of(), *committed(lost, declined), OUTAGE) == set()
    assert lossy(Log.of(fact(2, "a2/0")), *committed(lost, kept), OUTAGE) == {"G2"}


def test_who_goes_on_after_an_outage_is_counted():
    later = accepted("a2", 2, at=70)
    history = History.of(*committed(accepted("a1", 1), later), OUTAGE)
    assert resumed(Run(history, Log.of())) == 1
    assert resumed(Run(History.of(later, transaction(later), OUTAGE), Log.of())) == 0
