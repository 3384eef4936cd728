"""The transaction of one batch: it ends even if its worker freezes in the middle of it.

A frozen worker would hold the rows that it has locked for as long as it is frozen. So the server is told to
break such a transaction off once it has heard nothing for FACTOS_FOLLOW_LEASE_SECONDS. SQLite has no server
that could: there a frozen process that holds the write lock stops every writer until it goes on or dies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from django.db import Error, connections

from factos_django.conf import conf
from factos_django.store.transactions import owns_transaction, unit_of_work

__all__ = ["batch_transaction"]

_LIMIT_POSTGRESQL = "SELECT set_config('idle_in_transaction_session_timeout', %s, true)"
_LIMIT_MARIADB = (
    "SET @factos_idle = @@idle_write_transaction_timeout, SESSION idle_write_transaction_timeout = %s"
)
_AS_IT_WAS_MARIADB = "SET SESSION idle_write_transaction_timeout = @factos_idle"


@contextmanager
def batch_transaction(using: str) -> Iterator[None]:
    """Run the block in a transaction that the server ends when it falls silent.

    Inside the caller's transaction it is a savepoint, and the limits are the caller's.
    """
    ours, vendor = owns_transaction(using), connections[using].vendor
    with _limited_session(using) if ours and vendor == "mysql" else nullcontext(), unit_of_work(using):
        if ours and vendor == "postgresql":
            _execute(using, _LIMIT_POSTGRESQL, f"{math.ceil(conf.FOLLOW_LEASE_SECONDS * 1000)}ms")
        yield


@contextmanager
def _limited_session(using: str) -> Iterator[None]:
    """Set MariaDB's limit, which is one of the session, and put back what it was."""
    _execute(using, _LIMIT_MARIADB, math.ceil(conf.FOLLOW_LEASE_SECONDS))
    try:
        yield
    finally:
        with suppress(Error):  # the session is gone, and its limit with it
            _execute(using, _AS_IT_WAS_MARIADB)


def _execute(using: str, sql: str, *parameters: Any) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters or None)
