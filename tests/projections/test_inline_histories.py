"""Many processes at once: at every moment the rows of inline projections are what the facts make (G7)."""

import pytest

from tests.projections.ledger_run.plan import Plan
from tests.projections.ledger_run.run import run
from tests.proofs import proving_run
from tests.stores import on_databases

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

#: A run in which nobody met anybody proves nothing.
WANTED = {
    "facts": 100, "meetings": 40, "closed": 3, "rolled back": 5, "killed": 2, "looks": 20, "changes": 15
}  # fmt: skip


def lacking(report):
    return [f"{name}: {least} wanted" for name, least in WANTED.items() if report.evidence[name] < least]


@on_databases()
def test_at_every_moment_rows_are_what_the_facts_make_and_nobody_loses_money(store):
    proving_run(lambda _: run(Plan(store.using)), lacking, store.using)
