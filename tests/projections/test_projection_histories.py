"""Many processes at once, killed at any moment: G4 and G7 of inline rows, followers and rebuilds together.

At every moment that a reader looks, the rows are what the facts make: all of them, or those up to the
checkpoint. What is rebuilt meanwhile was right, and stays so.
"""

from dataclasses import replace

import pytest

from tests.projections.ledger_run.long_form import short_case
from tests.projections.ledger_run.run import run
from tests.proofs import proving_run
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@on_databases()
def test_followers_and_rebuilds_that_are_killed_skip_nothing_and_count_nothing_twice(store):
    case = short_case(store)
    proving_run(
        lambda number: run(replace(case.plan, seed=case.plan.seed + number)), case.lacking, store.using
    )
