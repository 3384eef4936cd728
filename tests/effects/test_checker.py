"""The checker of effects finds each kind of fault in a history that was forged, and none in a good one."""

from dataclasses import replace

import pytest

from tests.effects.effect_run.checker import Expected, History, Row, check, count
from tests.effects.sink import Told


def expected(key, position, ordering_key=None):
    return Expected(key, "parcels.Bill", f"parcel {key}", position, ordering_key)


def told(what, key, position, attempt=1):
    return Told(what, "parcels.Bill", f"parcel {key}", key, attempt, position, pid=1)


A, B, C = expected("a", 1, "renata"), expected("b", 2, "renata"), expected("c", 3)
GOOD = History(
    expected=[A, B, C],
    told=[
        told("began", "a", 1), told("began", "c", 3), told("did", "c", 3), told("began", "a", 1, 2),
        told("did", "a", 1, 2), told("began", "b", 2), told("did", "b", 2), told("began", "c", 3, 2),
        told("did", "c", 3, 2),
    ],
    rows=[Row("a", "done", 2), Row("b", "done", 1), Row("c", "done", 2)],
    fates={"parcel a": "committed", "parcel b": "committed", "parcel d": "rolled back"},
    sent=frozenset({"parcel a", "parcel b", "parcel c"}),
)  # fmt: skip


def without(key):
    return [each for each in GOOD.told if each.key != key]


def rows(**states):
    return [replace(row, state=states.get(row.key, row.state)) for row in GOOD.rows]


def test_a_good_history_has_no_fault_and_its_duplicates_are_counted():
    assert check(GOOD) == []
    assert count(GOOD) == {
        "effects": 3, "delivered": 3, "duplicates": 1, "dead": 0, "rolled back": 1, "ordered": 2,
    }  # fmt: skip


FORGED = {
    "never delivered, and its row is missing": (
        {"told": without("a"), "rows": GOOD.rows[1:]},
        "G6 lost",
    ),
    "never delivered, and said to be done": ({"told": without("c")}, "G6 lost"),
    "began, and never did": (
        {"told": [each for each in GOOD.told if each.what == "began"], "rows": rows(a="dead", b="dead")},
        "G6 lost",
    ),
    "delivered, and no fact calls for it": ({"expected": [A, B]}, "G6 phantom"),
    "another effect under its key": (
        {"told": [*GOOD.told, replace(told("did", "c", 3, 3), parcel="parcel a")]},
        "G6 phantom",
    ),
    "a row that no fact calls for": ({"rows": [*GOOD.rows, Row("x", "dead", 0)]}, "G6 phantom"),
    "two rows for one": ({"rows": [*GOOD.rows, GOOD.rows[0]]}, "G6 phantom"),
    "delivered after a rollback": (
        {"told": [*GOOD.told, replace(told("began", "c", 3, 3), parcel="parcel d")]},
        "G6 after rollback",
    ),
    "delivered before the one it waits for": (
        {"told": [told("began", "b", 2), told("did", "b", 2), *without("b")]},
        "G6 order",
    ),
    "an attempt that was not counted": ({"told": [*GOOD.told, told("began", "c", 3, 2)]}, "G6 attempts"),
    "an attempt too many": ({"told": [*GOOD.told, told("began", "c", 3, 5)]}, "G6 attempts"),
    "an attempt too many in the outbox": ({"rows": [*GOOD.rows[:2], Row("c", "done", 5)]}, "G6 attempts"),
    "pending in the end": ({"rows": rows(b="pending")}, "G6 stuck"),
    "running in the end": ({"rows": rows(b="running")}, "G6 stuck"),
    "something came of a rebuild": ({"rebuilt": 1}, "G6 on rebuild"),
    "acknowledged and not there": ({"sent": frozenset({"parcel b", "parcel c"})}, "G1"),
    "rolled back and there": ({"sent": GOOD.sent | {"parcel d"}}, "G1"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_history_is_found_out(name):
    forged, guarantee = FORGED[name]
    assert guarantee in {fault.guarantee for fault in check(replace(GOOD, **forged))}


@pytest.mark.parametrize("state", ["dead", "dropped"])
def test_what_was_given_up_is_not_lost_and_holds_nobody_back(state):
    given_up = replace(GOOD, told=without("a"), rows=rows(a=state))
    assert check(given_up) == []
    late = [told("began", "b", 2), told("did", "b", 2), *without("b")]
    assert check(replace(GOOD, told=late, rows=rows(a=state))) == []
