import pytest
from django.db import connections

from factos_django.projections.rebuilding import check, rebuild
from factos_django.projections.states import needs_rebuild, state_of
from factos_django.store import append, read
from tests.ledger.domain import LEDGER, Closed, Deposited, Transferred
from tests.ledger.factos import balances
from tests.ledger.models import Balance, Entry
from tests.stores import on_databases


@on_databases()
def test_an_append_writes_the_rows_of_inline_projections(store):
    append([Deposited("a", 10), Deposited("b", 5)], using=store.using)
    last = append([Transferred("a", "b", 3)], using=store.using)[-1]
    rows = (
        Balance.objects.using(store.using)
        .order_by("account")
        .values_list("account", "amount", "factos_position")
    )
    assert list(rows) == [("a", 7, last.position), ("b", 8, last.position)]
    append([Closed("a")], using=store.using)
    assert [row.account for row in Balance.objects.using(store.using)] == ["b"]
    assert [entry.position for entry in Entry.objects.using(store.using)] == [last.position]


@pytest.fixture
def execute(store):
    def execute(sql):
        with connections[store.using].cursor() as cursor:
            cursor.execute(sql)

    return execute


@pytest.fixture
def hidden(store, execute):
    """Let the table of the balances be one that a later migration makes; return what that does."""
    execute("ALTER TABLE ledger_balance RENAME TO ledger_balance_of_later")

    def make():
        if "ledger_balance_of_later" in connections[store.using].introspection.table_names():
            execute("ALTER TABLE ledger_balance_of_later RENAME TO ledger_balance")

    yield make
    make()


@on_databases()
def test_facts_that_come_before_the_table_are_missed_and_stop_nothing(store, hidden):
    append([Deposited("a", 10), Transferred("a", "b", 1)], using=store.using)
    hidden()
    append([Deposited("a", 1)], using=store.using)
    assert len(list(read(LEDGER, using=store.using))) == 3
    assert [entry.amount for entry in Entry.objects.using(store.using)] == [1], "others go on"
    stands = state_of("ledger.balances", store.using)
    assert (stands.condition, needs_rebuild(balances, stands)) == ("running", True)
    assert rebuild("ledger.balances", using=store.using).counts.all == 2
    assert check("ledger.balances", using=store.using).is_right
    assert not needs_rebuild(balances, state_of("ledger.balances", store.using))


@on_databases()
def test_a_statement_that_cannot_be_answered_stops_the_projection_and_the_fact_is_recorded(store, execute):
    execute("ALTER TABLE ledger_balance RENAME COLUMN moves TO steps")
    try:
        [fact] = append([Deposited("a", 10)], using=store.using)
    finally:
        execute("ALTER TABLE ledger_balance RENAME COLUMN steps TO moves")
    assert [each.position for each in read(LEDGER, using=store.using)] == [fact.position]
    stands = state_of("ledger.balances", store.using)
    assert (stands.condition, stands.failed_position) == ("stopped", fact.position)
    assert "moves" in stands.error
