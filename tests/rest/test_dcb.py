"""The rules of the DCB specification over HTTP: sixteen clients, one server, and a check of what they saw.

The store behind it has its own runs, by many processes (tests.history). Here is what the API may break: a
condition that is lost or read wrongly, a context that is cut, an answer that tells something else.
"""

from __future__ import annotations

from django.contrib.auth.models import User

from tests.proofs import proving_run
from tests.rest.dcb.run import Report, run
from tests.rest.live import live_server
from tests.stores import Store, on_databases


@on_databases(also=["default"])
def test_sixteen_clients_find_nothing_wrong(on_store: Store) -> None:
    with live_server(on_store, FACTOS_API_UNREGISTERED_TYPES=True) as (address, _):

        def once(_: int) -> Report:
            User.objects.filter(username="root").delete()
            User.objects.create_superuser("root", password="secret")
            return run(address, "root", "secret")

        proving_run(once, Report.lacking, on_store.using)
