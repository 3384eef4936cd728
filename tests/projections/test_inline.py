from factos_django.store import append
from tests.ledger.domain import Closed, Deposited, Transferred
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
