"""Many processes at once, killed at any moment: G4 and G7 of inline rows, followers and rebuilds together.

At every moment that a reader looks, the rows are what the facts make: all of them, or those up to the
checkpoint. What is rebuilt meanwhile was right, and stays so.
"""

import pytest

from tests.projections.ledger_run.plan import Plan
from tests.projections.ledger_run.run import run
from tests.proofs import proving_run
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

#: A run in which nothing was killed, and nobody looked meanwhile, proves nothing.
WANTED = {
    "facts": 60, "meetings": 20, "looks": 10, "changes": 5, "behind": 1, "checkpoints": 3, "followed": 60,
    "rebuilt": 2, "rebuilt inline": 1, "checked": 1,
    "killed": 1, "followers killed": 3, "rebuilders killed": 3, "killed at work": 1,
}  # fmt: skip


def lacking(report):
    return [f"{name}: {least} wanted" for name, least in WANTED.items() if report.evidence[name] < least]


@on_databases()
def test_followers_and_rebuilds_that_are_killed_skip_nothing_and_count_nothing_twice(store):
    plan = Plan(store.using, alone=5, operations=15, followers=2, rebuilders=1, kills=3)
    proving_run(lambda _: run(plan), lacking, store.using)
