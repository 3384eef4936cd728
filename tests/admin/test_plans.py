"""What the admin reads of a long log is a page's worth, by what PostgreSQL tells of each statement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from factos_django import Decider, Query, QueryItem
from factos_django.dispatch import dispatch
from factos_django.projections.states import ensure_states
from factos_django.registry import PROJECTIONS
from tests.admin.all_pages import addresses
from tests.admin.long_log import fill
from tests.ledger.domain import Deposited
from tests.ledger.factos import followed_balances
from tests.stores import Store, on_databases

FACTS, EFFECTS = 20_000, 4_000
#: What a statement may read of indexes or tables (rows): a count to a thousand, and a little beside it.
MOST = 1_100

#: It counts the facts that it sees, and adds one.
counting: Decider[None, int, Deposited] = Decider(
    initial=0, decide=lambda _seen, _command: [Deposited("a", 1)], evolve=lambda seen, _event: seen + 1
)


@on_databases("postgres", also=["default"])
def test_each_statement_of_each_page_reads_a_page_s_worth(root: Client, store: Store) -> None:
    using = store.using
    ensure_states([each for each in PROJECTIONS if each.takes_part(using)], using)
    log = fill(using, FACTS, EFFECTS, type="ledger.Deposited", data='{"account": "a", "amount": 5}')
    query = Query.of(QueryItem(types=[Deposited], tags=["context:7"]))
    decided = dispatch(None, decider=counting, query=query, using=using).position
    failed: dict[str, int] = {}
    too_many: list[str] = []
    asked = 0
    for name, address in addresses(log, decided=decided, projection=followed_balances.name).items():
        with CaptureQueriesContext(connections[using]) as captured:
            status = root.get(address).status_code
        if status != 200:
            failed[address] = status
        read = {sql: rows_read(sql, using) for sql in statements(captured)}
        too_many += [f"{name}: {rows} rows: {sql}" for sql, rows in read.items() if rows > MOST]
        asked += len(read)
    assert failed == {}
    assert not too_many, "\n".join(too_many)
    assert asked > 100


def statements(captured: CaptureQueriesContext) -> set[str]:
    """Return those about our tables."""
    return {each["sql"] for each in captured if "factos_" in each["sql"]}


def rows_read(sql: str, using: str) -> int:
    """Return how many rows the scans of a statement read."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        (found,) = cursor.fetchone()
    (explained,) = json.loads(found) if isinstance(found, str) else found
    return sum(map(_of_scan, _nodes(explained["Plan"])))


def _nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _of_scan(node: Any) -> int:
    if "Relation Name" not in node and "Index Name" not in node:
        return 0
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    rows = node["Actual Rows"] + sum(node.get(each, 0) for each in removed)
    return int(rows * node["Actual Loops"])
