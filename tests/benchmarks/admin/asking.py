"""Filling a log, and asking for each page of the admin over it, in one process."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from factos_django import Decider, Query, QueryItem
from factos_django.dispatch import dispatch
from tests.admin.all_pages import LISTS, addresses
from tests.admin.long_log import fill
from tests.benchmarks.tally.domain import Counted, amount_of
from tests.benchmarks.tasks import Job, Steps

__all__ = ["measure", "measure_first_page"]

_WARM_UP = 3
_EFFECTS = 10  # a tenth of the facts
_DATA = '{"subject": "a", "amount": "5.00"}'

counting: Decider[None, int, Counted] = Decider(
    initial=0,
    decide=lambda _seen, _command: [Counted("a", amount_of(500))],
    evolve=lambda seen, _event: seen + 1,
)


def measure(_store: Any, job: Job) -> Steps:
    """Ask for each page ``job.count`` times, of a log of ``job.log`` facts."""
    call_command("migrate", verbosity=0)
    log = fill("default", job.log, job.log // _EFFECTS, type="tally.Counted", data=_DATA)
    query = Query.of(QueryItem(types=[Counted], tags=["context:7"]))
    decided = dispatch(None, decider=counting, query=query).position
    client = _client()
    yield
    pages = addresses(log, decided=decided, projection="tally.tallies")
    return {
        name: _measured(client, address, job.count) | {"is_list": name in LISTS}
        for name, address in pages.items()
    }


def measure_first_page(_store: Any, job: Job) -> Steps:
    """Ask for the newest facts ``job.count`` times, of the log that is there."""
    client = _client()
    yield
    return _measured(client, "/admin/factos/event/", job.count)


def _client() -> Client:
    """A browser in which a superuser has a session."""
    user, _ = User.objects.get_or_create(username="root", is_staff=True, is_superuser=True)
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    client.force_login(user)
    return client


def _measured(client: Client, address: str, times: int) -> dict[str, Any]:
    for _ in range(_WARM_UP):
        _timed(client, address)
    with CaptureQueriesContext(connection) as captured:
        _timed(client, address)
    asked = list(captured)  # the next request forgets them
    milliseconds = [_timed(client, address) for _ in range(times)]
    _tell_slowest(address, asked, max(milliseconds))
    return {"statements": len(asked), "milliseconds": milliseconds}


def _timed(client: Client, address: str) -> float:
    begun = time.perf_counter()
    status = client.get(address).status_code
    if status != 200:
        raise RuntimeError(f"{address}: {status}")
    return (time.perf_counter() - begun) * 1000


def _tell_slowest(address: str, asked: Sequence[Any], slowest: float) -> None:
    """Tell which statements took long, for whoever looks why a page does."""
    sys.stderr.write(f"{slowest:7.1f} ms  {address}\n")
    for each in asked:
        if float(each["time"]) >= 0.01:
            sys.stderr.write(f"    {each['time']} s: {each['sql'][:1000]}\n")
