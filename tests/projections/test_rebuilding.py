from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from factos_django.projections.rebuilding import check, rebuild
from factos_django.store import append
from tests.ledger.domain import Closed, Deposited, Transferred
from tests.ledger.models import Balance, Entry
from tests.stores import on_databases


def execute(using: str, sql: str) -> None:
    """SQL of somebody who does not ask."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql)


def rows_of(using: str) -> list[Any]:
    return list(Balance.objects.using(using).order_by("account").values_list())


def some_history(using: str) -> None:
    append([Deposited(each, 100) for each in "abcd"], using=using)
    append([Transferred("a", "b", 30, "rent"), Transferred("b", "c", 5)], using=using)
    append([Closed("d"), Deposited("d", 7), Closed("c")], using=using)


HARM = {
    "missing": "DELETE FROM ledger_balance WHERE account = 'a'",
    "extra": "INSERT INTO ledger_balance (account, amount, moves, factos_position) VALUES ('zoe', 0, 0, 1)",
    "off by one": "UPDATE ledger_balance SET amount = amount + 1 WHERE account = 'b'",
    "at a wrong position": "UPDATE ledger_balance SET factos_position = 1 WHERE account = 'd'",
}


@on_databases()
@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_one_wrong_row_is_found_and_put_right(store, harm):
    some_history(store.using)
    before = rows_of(store.using)
    assert check("ledger.balances", using=store.using).is_right
    execute(store.using, harm)
    found = check("ledger.balances", using=store.using)
    assert found.counts.all == 1
    assert len(found.sample) == 1
    assert rows_of(store.using) != before, "a check writes nothing"
    assert rebuild("ledger.balances", using=store.using).counts == found.counts
    assert rows_of(store.using) == before
    assert check("ledger.balances", using=store.using).is_right


@on_databases()
def test_the_sample_of_a_check_says_what_is_wrong(store):
    some_history(store.using)
    for harm in HARM.values():
        execute(store.using, harm)
    found = check("ledger.balances", using=store.using)
    assert (found.counts.missing, found.counts.extra, found.counts.different) == (1, 1, 2)
    told = {(each.kind, *each.key): (each.is_now, each.should_be) for each in found.sample}
    assert told["different", "b"] == ({"amount": 126}, {"amount": 125})
    assert told["extra", "zoe"][1] == {}
    assert told["missing", "a"][1]["amount"] == 70


@on_databases()
def test_a_handlers_table_is_checked_and_computed_again(store):
    some_history(store.using)
    assert check("ledger.entries", using=store.using).is_right
    execute(store.using, "UPDATE ledger_entry SET amount = 31 WHERE amount = 30")
    counts = check("ledger.entries", using=store.using).counts
    assert (counts.missing, counts.extra) == (1, 1)
    rebuild("ledger.entries", using=store.using)
    amounts = Entry.objects.using(store.using).order_by("position").values_list("amount", flat=True)
    assert list(amounts) == [30, 5]
    assert check("ledger.entries", using=store.using).is_right
