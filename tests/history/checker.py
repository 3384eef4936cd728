"""What a history proves about the guarantees, by pure functions over it and the tables.

Nothing here imports the code under test. ``check`` returns the faults, each under its guarantee:

G1  all facts of an append are recorded, or none; a rollback leaves nothing; no reading saw a part
G2  no matching fact between ``after`` and an accepted append, and each rejection has a witness; a
    dispatched decision saw exactly the matching facts below its position
G3  positions follow real time, and the order of commits where one decision could see the other's facts
G4  a follower applied the log up to its checkpoint, in order, and nothing else
G5  where the guard locks tags, nobody waited for a transaction whose tags are not theirs (``waiting``)
G8  one result for each idempotency key, and for the same ids
G9  what was acknowledged to a process that was killed, or before the server was, is there
G10 nobody waited longer than the limit for one that was frozen; single appends do not deadlock (``waiting``)
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from tests.history.faults import Fault, Run
from tests.history.operations import Append, History, Reading
from tests.history.outages import check_reconnections
from tests.history.tables import Fact, Log, matches
from tests.history.waiting import check_deadlocks, check_freezes, check_parallel

__all__ = ["Fault", "Run", "check"]


def check(history: History, log: Log, *, parallel: bool = False) -> list[Fault]:
    """Return all that is wrong; ``parallel`` tells that appends were to wait by tags alone (G5)."""
    run = Run(history, log)
    checks = (*CHECKS, check_parallel) if parallel else CHECKS
    return [fault for each in checks for fault in each(run)]


def check_unexpected(run: Run) -> Iterator[Fault]:
    """No append fails in a way that nobody asked for."""
    for append in run.history.appends:
        if append.outcome == "failed" or (append.outcome == "cut" and not run.history.outages):
            yield Fault("errors", f"{append.name} failed: {append.error}")


def check_whole(run: Run) -> Iterator[Fault]:
    """G1, G9: an accepted append has all its facts, with their tags, in order, where it was told they are."""
    for append in run.history.appends:
        facts = run.log.by_append.get(append.name, [])
        recorded = run.fate(append) == "committed" and append.outcome == "accepted"
        if recorded and not append.repeats and not facts:
            guarantee = "G9" if run.is_of_killed(append) or run.outlived(append) else "G1"
            yield Fault(
                guarantee, f"{append.name} was accepted and committed, and none of its facts is there"
            )
        if facts and run.fate(append) == "rolled back":
            yield Fault("G1", f"{append.name} was rolled back, and {_positions(facts)} are there")
        elif facts and append.outcome not in ("accepted", "unknown"):
            yield Fault("G1", f"{append.name} was {append.outcome}, and {_positions(facts)} are there")
        elif facts:
            yield from _differences(append, facts)


def _differences(append: Append, facts: list[Fact]) -> Iterator[Fault]:
    stored = [(fact.identity, fact.type, fact.tags) for fact in facts]
    asked = [
        (identity, each.type, frozenset(each.tags))
        for identity, each in zip(append.identities, append.facts, strict=True)
    ]
    if stored != asked:
        yield Fault("G1", f"{append.name} was to record {asked}, and the log holds {stored}")
    elif append.outcome == "accepted" and _positions(facts) != list(append.positions):
        yield Fault(
            "G1", f"{append.name} was told {list(append.positions)}, and stands at {_positions(facts)}"
        )


def check_torn_transactions(run: Run) -> Iterator[Fault]:
    """G1: of a transaction that nobody knows the end of, all appends left their facts, or none did."""
    groups: dict[str, list[Append]] = {}
    for append in run.history.appends:
        accepted = append.outcome == "accepted" and not append.repeats
        if accepted and append.facts and run.fate(append) == "unknown":
            groups.setdefault(run.outermost[append.name].name, []).append(append)
    for name, appends in groups.items():
        there = [append.name for append in appends if append.name in run.log.by_append]
        if 0 < len(there) < len(appends):
            yield Fault("G1", f"of {name} only {there} are there, of {[each.name for each in appends]}")


def check_phantoms(run: Run) -> Iterator[Fault]:
    """G1: each fact was asked for by one append, stands alone at its position, and has its rows of tags."""
    before = 0
    for fact in run.log.facts:
        if fact.append not in run.appends:
            yield Fault("G1", f"nobody asked for {fact.identity} at {fact.position}")
        if fact.position == before:
            yield Fault("G1", f"two facts stand at {fact.position}")
        rows = frozenset((tag, fact.type) for tag in fact.tags)
        if run.log.tag_rows.get(fact.position, frozenset()) != rows:
            yield Fault("G1", f"the rows of tags of {fact.position} are not those of the fact")
        before = fact.position
    for position in sorted(run.log.tag_rows.keys() - {fact.position for fact in run.log.facts}):
        yield Fault("G1", f"there are rows of tags of {position}, and no fact")


def check_torn_readings(run: Run) -> Iterator[Fault]:
    """G1: no reading and no decision saw a part of what one append recorded."""
    for reading in run.history.readings:
        if not reading.limited:
            identities = [identity for _, identity in reading.seen]
            yield from _torn(run, f"a {reading.source} of {reading.process}", reading, identities)
    for append in run.history.appends:
        if append.saw is not None and append.query is not None:
            yield from _torn(run, append.name, append, list(append.saw))


def _torn(run: Run, who: str, seer: Reading | Append, identities: list[str]) -> Iterator[Fault]:
    assert seer.query is not None
    own = {fact.identity for fact in run.own_facts(seer.transaction, seer.invoked)}
    seen = set(identities)
    after = (seer.after or 0) if isinstance(seer, Reading) else 0
    others = {run.log.by_identity[each].append for each in seen - own if each in run.log.by_identity}
    for name in others:
        facts = [fact for fact in run.log.by_append[name] if fact.position > after]
        unseen = [fact for fact in facts if matches(seer.query, fact) and fact.identity not in seen]
        if unseen:
            yield Fault("G1", f"{who} saw a part of {name}, without {_positions(unseen)}")


def check_conditions(run: Run) -> Iterator[Fault]:
    """G2: nothing that matches lies between ``after`` and where an accepted append stands."""
    for append in run.history.appends:
        if append.form != "conditional" or append.outcome != "accepted" or append.repeats:
            continue
        assert append.query is not None
        own = run.own_facts(append.transaction, append.invoked)
        between = run.log.matching(append.query, append.after or 0, min(append.positions) - 1, own)
        if between:
            yield Fault(
                "G2",
                f"{append.name} was accepted at {list(append.positions)} although {_positions(between)} "
                f"match, above {append.after}",
            )


def check_rejections(run: Run) -> Iterator[Fault]:
    """G2, the converse: each rejection has a witness, asked for before the rejection came."""
    for append in run.history.appends:
        if append.outcome != "rejected":
            continue
        assert append.query is not None
        own = run.own_facts(append.transaction, append.invoked)
        found = run.log.matching(append.query, append.after or 0, own=own)
        witnesses = {fact.position for fact in found if _asked_before(run, fact, append.completed)}
        if not append.conflicts or not witnesses.issuperset(append.conflicts):
            yield Fault(
                "G2",
                f"{append.name} was rejected for {list(append.conflicts)} above {append.after}, and the "
                f"witnesses are {sorted(witnesses)}",
            )


def _asked_before(run: Run, fact: Fact, moment: int) -> bool:
    return fact.append in run.appends and run.appends[fact.append].invoked < moment


def check_decisions(run: Run) -> Iterator[Fault]:
    """G2 for dispatch: the decision saw exactly the matching facts below its position."""
    for append in run.history.appends:
        if append.saw is None or append.query is None:
            continue
        own = run.own_facts(append.transaction, append.invoked)
        if append.outcome == "accepted" and not append.repeats:
            facts = run.log.matching(append.query, 0, min(append.positions) - 1, own)
            below = [fact.identity for fact in facts]
            if below != list(append.saw):
                yield Fault(
                    "G2", f"{append.name} at {min(append.positions)} {_compared(append.saw, below, run)}"
                )
        elif append.outcome in ("nothing", "declined"):
            yield from _context(run, append.name, append, list(append.saw), own)


def check_contexts(run: Run) -> Iterator[Fault]:
    """G2: ``read_context`` saw everything that was committed when it was asked, and nothing else.

    Its position, above which a condition would look, is not beyond what it saw.
    """
    for reading in run.history.readings:
        if reading.source == "context":
            own = run.own_facts(reading.transaction, reading.invoked)
            who = f"a context of {reading.process}"
            yield from _context(run, who, reading, [identity for _, identity in reading.seen], own)
            below = run.log.matching(reading.query, 0, reading.checkpoint, own)
            if len(below) > len(reading.seen):
                yield Fault(
                    "G2", f"{who} up to {reading.checkpoint} holds {len(reading.seen)} of {len(below)}"
                )


def _context(run: Run, who: str, seer: Reading | Append, seen: list[str], own: list[Fact]) -> Iterator[Fault]:
    """Find what was seen that could not be seen, and what was not seen although it was there.

    What had committed before the asking must be seen. So must be what lies below anything seen, and
    in the order of positions, since appends of one context wait for each other.
    """
    assert seer.query is not None
    facts = run.log.matching(seer.query, own=own)
    asked = [f for f in facts if f in own or _asked_before(run, f, seer.completed)]
    length = len(seen)
    if seen != [fact.identity for fact in asked][:length]:
        yield Fault("G2", f"{who} {_compared(seen, [f.identity for f in asked][:length], run)}")
    missed = [f for f in facts if f.identity not in set(seen) and _there_before(run, f, seer.invoked, own)]
    if missed:
        yield Fault("G2", f"{who} missed {_positions(missed)}, which were there before it was asked for")


def _there_before(run: Run, fact: Fact, moment: int, own: list[Fact]) -> bool:
    if fact in own:
        return True
    return fact.append in run.appends and run.ended(run.appends[fact.append]) < moment


def check_real_time(run: Run) -> Iterator[Fault]:
    """G3: what was recorded after an append had committed stands above it."""
    recorded = [run.appends[name] for name in run.log.by_append if name in run.appends]
    ended = sorted(recorded, key=run.ended)
    highest, passed = 0, 0
    for append in sorted(recorded, key=lambda each: each.invoked):
        while passed < len(ended) and run.ended(ended[passed]) < append.invoked:
            highest = max(highest, run.log.by_append[ended[passed].name][-1].position)
            passed += 1
        if (first := run.log.by_append[append.name][0].position) < highest:
            yield Fault("G3", f"{append.name} stands at {first}, below {highest}, which was there before")


def check_commit_order(run: Run) -> Iterator[Fault]:
    """G3: where one decision could see the other's facts, the one that stands below committed first."""
    recorded = [run.appends[name] for name in run.log.by_append if name in run.appends]
    recorded.sort(key=run.ended)
    moments = [run.ended(each) for each in recorded]
    for below in recorded:
        # What had ended before this was asked for is the business of check_real_time.
        first, last = bisect_right(moments, below.invoked), bisect_left(moments, run.committing(below))
        position = run.log.by_append[below.name][0].position
        for above in recorded[first:last]:
            higher = run.log.by_append[above.name][0].position
            if position < higher and could_see(below, above):
                who = f"{below.name} stands at {position}, below {above.name} at {higher}"
                yield Fault("G3", f"{who}, which committed first")


def could_see(one: Append, other: Append) -> bool:
    """Tell whether one of the two decided from what the other records."""
    return _guards(one, other) or _guards(other, one)


def _guards(decision: Append, append: Append) -> bool:
    return decision.query is not None and any(matches(decision.query, fact) for fact in append.facts)


def check_followers(run: Run) -> Iterator[Fault]:
    """G4: what each follower applied is the log up to its checkpoint, in order; readers skip nothing."""
    applied: dict[int, list[tuple[int, str]]] = {}
    last: dict[int, Reading] = {}
    for reading in sorted(run.history.readings, key=lambda each: each.invoked):
        if reading.source == "follow":
            yield from _resumed(reading, last.get(reading.process))
            applied.setdefault(reading.process, []).extend(reading.seen)
            last[reading.process] = reading
        elif reading.source == "read":
            yield from _skipped(run, f"a read of {reading.process}", reading, 0, list(reading.seen))
    for process, reading in last.items():
        yield from _skipped(run, f"follower {process}", reading, 0, applied[process])


def _resumed(reading: Reading, before: Reading | None) -> Iterator[Fault]:
    if reading.after != (before.checkpoint if before else 0):
        yield Fault("G4", f"follower {reading.process} began at {reading.after}, not at its checkpoint")


def _skipped(
    run: Run, who: str, reading: Reading, after: int, seen: list[tuple[int, str]]
) -> Iterator[Fault]:
    own = run.own_facts(reading.transaction, reading.invoked)
    facts = run.log.matching(reading.query, after, reading.checkpoint, own)
    there = [(fact.position, fact.identity) for fact in facts]
    if there != seen:
        missed, extra = sorted(set(there) - set(seen)), sorted(set(seen) - set(there))
        yield Fault(
            "G4", f"{who} up to {reading.checkpoint} missed {missed}, saw also {extra}, or lost the order"
        )


def check_keys(run: Run) -> Iterator[Fault]:
    """G8: one result for each key: whoever asked under it, and the table, say the same."""
    for key, appends in run.by_key.items():
        told = {append.positions for append in appends if _answered(run, append)}
        told |= {run.log.keys[key]} if key in run.log.keys else set()
        facts = run.log.by_mark.get(key, [])
        if len(told) > 1:
            yield Fault("G8", f"under {key} were told or kept {sorted(told)}")
        if any(_answered(run, append) for append in appends) and key not in run.log.keys:
            yield Fault("G8", f"{key} was answered, and is not kept")
        if _positions(facts) != list(run.log.keys.get(key, ())):
            yield Fault(
                "G8", f"{key} keeps {list(run.log.keys.get(key, ()))}, and the log has {_positions(facts)}"
            )
        yield from _late_refusals(run, key, appends)


def check_ids(run: Run) -> Iterator[Fault]:
    """G8: one result for the same ids; a decision may be made anew, but records nothing twice."""
    for mark, appends in run.by_ids.items():
        there = _positions(run.log.by_mark.get(mark, []))
        for append in appends:
            told = list(append.positions)
            if append.outcome == "accepted" and run.fate(append) == "committed" and told != there:
                yield Fault("G8", f"{append.name} was told {told} of the ids of {mark}, which has {there}")
        yield from _late_refusals(run, f"ids of {mark}", [a for a in appends if a.form != "dispatched"])


def _answered(run: Run, append: Append) -> bool:
    return append.outcome in ("accepted", "nothing") and run.fate(append) == "committed"


def _late_refusals(run: Run, key: str, appends: list[Append]) -> Iterator[Fault]:
    """Find what was judged once more although the answer was there."""
    first = min((run.ended(append) for append in appends if _answered(run, append)), default=None)
    for append in appends:
        late = first is not None and append.invoked > first
        if late and (append.outcome in ("rejected", "declined") or append.saw is not None):
            yield Fault("G8", f"{append.name} was {append.outcome} anew although {key} had its answer")


def _positions(facts: list[Fact]) -> list[int]:
    return [fact.position for fact in facts]


def _compared(saw: tuple[str, ...] | list[str], there: list[str], run: Run) -> str:
    """Say how what was seen differs from what was there."""
    position = {identity: fact.position for identity, fact in run.log.by_identity.items()}
    missed = [f"{each} ({position.get(each)})" for each in there if each not in set(saw)]
    extra = [f"{each} ({position.get(each)})" for each in saw if each not in set(there)]
    return f"did not see {missed}, saw also {extra}, or lost the order"


CHECKS: tuple[Callable[[Run], Iterator[Fault]], ...] = (
    check_unexpected,
    check_whole,
    check_torn_transactions,
    check_phantoms,
    check_torn_readings,
    check_conditions,
    check_rejections,
    check_decisions,
    check_contexts,
    check_real_time,
    check_commit_order,
    check_followers,
    check_keys,
    check_ids,
    check_deadlocks,
    check_freezes,
    check_reconnections,
)
