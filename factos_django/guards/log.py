"""The portable guard: ``select_for_update`` on the guard row of the log.

One writer at a time from lock to commit, so the order of commits is the order of positions. Locking
the *event* rows would guard nothing: the rows that matter are those that are not there yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F
from django.db.models.expressions import RawSQL

from factos_django.conf import conf, lock_timeout_milliseconds
from factos_django.core.errors import StoreBusy, UnsupportedDatabase, WrongIsolation
from factos_django.guards.claim import Claim
from factos_django.models import LogGuard

__all__ = ["LogGuardByRow", "isolation_expression"]

_ROW = 1
_LATEST_AND_SEEN = (
    "SELECT position, (SELECT max(position) FROM factos_event) FROM factos_event "
    "ORDER BY position DESC LIMIT 1 LOCK IN SHARE MODE"
)


class LogGuardByRow:
    """Holds the guard row, whatever the claim: every append waits for every other."""

    name = "log"
    holds_row = True

    def hold(self, using: str) -> None:
        """Lock the guard row, making it where a flush has removed it."""
        vendor = connections[using].vendor
        if vendor not in _HOLDERS:
            raise UnsupportedDatabase(using=using, vendor=vendor)
        _HOLDERS[vendor](using)

    def claim(self, claim: Claim) -> Claim:
        """Return the claim to the whole log: on PostgreSQL others may append under the guard ``tags``."""
        return claim.of_whole_log()


def isolation_expression(connection: BaseDatabaseWrapper) -> str:
    """Return the SQL for the isolation of a MariaDB session; the variable was renamed in 11.1."""
    renamed = connection.mysql_version >= (11, 1)  # type: ignore[attr-defined]
    return "@@transaction_isolation" if renamed else "@@tx_isolation"


def _hold_on_sqlite(using: str) -> None:
    # select_for_update is silently nothing here. An UPDATE takes the write lock, even of 0 rows, and
    # as the first statement it takes it before the first read.
    rows = LogGuard.objects.using(using)
    if not rows.filter(pk=_ROW).update(holds=F("holds") + 1):
        rows.bulk_create([LogGuard(pk=_ROW)], ignore_conflicts=True)


def _hold_on_mariadb(using: str) -> None:
    connection = connections[using]
    isolation = RawSQL(isolation_expression(connection), ())
    held = _lock_row(using, lambda rows: rows.annotate(isolation=isolation).values_list("isolation"))
    if held[0] != "READ-COMMITTED":
        raise WrongIsolation(using=using, isolation=held[0])
    _refuse_old_snapshot(using)


def _refuse_old_snapshot(using: str) -> None:
    # SET TRANSACTION changes the next transaction and no variable. But a locking read sees the latest
    # commit at every isolation, and a plain one beside it what the coming reads will see.
    with connections[using].cursor() as cursor:
        cursor.execute(_LATEST_AND_SEEN)
        latest, seen = cursor.fetchone() or (None, None)
    if latest != seen:
        raise WrongIsolation(using=using, isolation="REPEATABLE-READ, by SET TRANSACTION")


def _hold_on_postgresql(using: str) -> None:
    # The gate, too: appends under the guard ``tags`` of other processes pass it, and must not now.
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT factos_hold_row_3(%s, %s)", [_ROW, str(lock_timeout_milliseconds())])


def _lock_row(using: str, columns: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Lock the row and return its columns. A lock of 0 rows is no lock: then make it, and lock it."""
    rows = LogGuard.objects.using(using)
    for _ in range(3):
        if held := columns(rows.select_for_update().filter(pk=_ROW)).first():
            return tuple(held)
        # An upsert, not INSERT IGNORE: that would share the row, and two sharers deadlock on MariaDB.
        rows.bulk_create([LogGuard(pk=_ROW)], update_conflicts=True, update_fields=["holds"])
    raise StoreBusy(using=using, seconds=conf.LOCK_TIMEOUT_SECONDS)


_HOLDERS: dict[str, Callable[[str], None]] = {
    "sqlite": _hold_on_sqlite,
    "mysql": _hold_on_mariadb,
    "postgresql": _hold_on_postgresql,
}
