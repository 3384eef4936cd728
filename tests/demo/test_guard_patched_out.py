"""The sale proves something: without the guard it oversells, and says so."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from factos_django.guards.log import LogGuardByRow
from tests.stores import Store, on_databases
from tests.without_locks import without_locks


# On SQLite a transaction that begins IMMEDIATE is alone anyway: there the file's lock would have to go.
@on_databases("postgres", "mariadb")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")  # Python 3.12 and newer
def test_the_sale_oversells_without_the_guard(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogGuardByRow, "hold", lambda self, using: None)
    options = {"capacity": 5, "attempts": 40, "concurrency": 8, "hold_ms": 20, "database": store.using}
    with without_locks(store.using), pytest.raises(CommandError, match="oversold"):
        call_command("sell_tickets", conference="oversold", stdout=StringIO(), **options)
