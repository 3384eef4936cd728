"""The projections of the ledger."""

from factos_django import Query, QueryItem, Recorded
from factos_django.projections import projection, projection_handler
from tests.ledger.domain import LEDGER, LedgerBalance, Transferred, accounts_of, balance, turnover
from tests.ledger.models import Entry, FollowedEntry

__all__ = ["balances", "entries", "followed_balances", "followed_entries", "turnovers"]

TRANSFERS = Query.of(QueryItem(types=[Transferred]))

balances = projection(
    "ledger.balances",
    model="ledger.Balance",
    mode="inline",
    query=LEDGER,
    keys=lambda recorded: accounts_of(recorded.event),
    start=lambda account: LedgerBalance(account),
    view=balance,
)

followed_balances = projection(
    "ledger.followed_balances",
    model="ledger.FollowedBalance",
    query=LEDGER,
    keys=lambda recorded: accounts_of(recorded.event),
    start=lambda account: LedgerBalance(account),
    view=balance,
)

turnovers = projection(
    "ledger.turnovers",
    model="ledger.Turnover",
    query=TRANSFERS,
    key=lambda recorded: (recorded.event.payer, recorded.event.payee),
    key_fields=("payer", "payee"),
    view=turnover,
)


@projection_handler("ledger.entries", query=TRANSFERS, tables=["ledger.Entry"], mode="inline")
def entries(recorded: Recorded[Transferred], using: str) -> None:
    Entry.objects.using(using).create(position=recorded.position, amount=recorded.event.amount)


@projection_handler("ledger.followed_entries", query=TRANSFERS, tables=["ledger.FollowedEntry"])
def followed_entries(recorded: Recorded[Transferred], using: str) -> None:
    FollowedEntry.objects.using(using).create(position=recorded.position, amount=recorded.event.amount)
