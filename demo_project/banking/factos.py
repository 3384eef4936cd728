"""What factos finds when Django starts: event types, and projections over them."""

from demo_project.banking.domain import (
    account_row,
    accounts_of,
    every_account,
    every_booking,
    first_month,
    month_totals,
    months_of,
    new_account_row,
)
from factos_django.projections import projection

__all__ = ["balances", "months"]

# Whoever has just moved money sees what is left. A transfer is one fact and changes two rows; both are locked
# before it is recorded, so their folds follow the order of positions.
balances = projection(
    "banking.balances",
    model="banking.AccountBalance",
    mode="inline",
    query=every_account(),
    keys=accounts_of,
    start=new_account_row,
    view=account_row,
)

# What came and went in a month is read once in a while: a follower adds it up, and no booking waits for it.
# The bookings themselves are in the log, by account, and need no table.
months = projection(
    "banking.months",
    model="banking.AccountMonth",
    mode="async",
    query=every_booking(),
    keys=months_of,
    key_fields=("account", "month"),
    start=first_month,
    view=month_totals,
)
