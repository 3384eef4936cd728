"""G6 of real workers on real brokers, struck in the midst: short forms of ``make effects``.

Nothing is lost, nothing is done about what was rolled back, and nothing that no fact calls for; a sink of its
own process tells, and the log alone says what should have been.
"""

from dataclasses import replace

import pytest

from tests.effects.effect_run.brokers import why_left_out
from tests.effects.effect_run.long_form import short_plan
from tests.effects.effect_run.proof import OF_BLOW, SHORT, lacking
from tests.effects.effect_run.run import run
from tests.proofs import proving_run
from tests.stores import STORES, Store, flushed

CASES = [
    (Store("default", "log"), "files", "workers at points"),
    (Store("postgres", "tags"), "redis", "broker stopped"),
    (Store("postgres", "log"), "redis", "relays at points"),
    (Store("postgres", "tags"), "shared rabbitmq", "processes killed"),
    (Store("mariadb", "log"), "redis", "writers at points"),
]


def case(store, broker, blow):
    marks = [flushed(store.using)]
    if reason := why_left_out(broker):
        marks.append(pytest.mark.skip(reason=reason))
    return pytest.param(store, broker, blow, marks=marks, id=f"{blow}-{store.id}-{broker}")


@pytest.mark.parametrize(
    ("store", "broker", "blow"), [case(*each) for each in CASES if each[0] in STORES], indirect=["store"]
)
def test_every_effect_is_delivered_whatever_strikes(store, broker, blow):
    plan = short_plan(store.using, broker, blow, guard=store.guard)
    proving_run(
        lambda number: run(replace(plan, seed=plan.seed + number)),
        lambda report: lacking(report, SHORT, OF_BLOW[blow]),
        store.using,
    )
