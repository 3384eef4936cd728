"""What the store contract does not say about the log in memory."""

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from demo_project.settings import BASE_DIR
from factos_django import (
    AppendCondition,
    AppendConditionFailed,
    Decider,
    InvalidTag,
    Proposed,
    Query,
    QueryItem,
    event_type,
)
from factos_django.testing import InMemoryLog

COUNT: Decider[Any, int, Any] = Decider(
    initial=0, decide=lambda _s, _c: [], evolve=lambda state, _e: state + 1
)
X = Query.of(QueryItem(tags=["x"]))


@event_type("tests.memory.Listed")
@dataclass(frozen=True)
class Listed:
    members: list[str]


def listed(*members: str) -> Proposed[Listed]:
    return Proposed(Listed(list(members)), tags=("x",))


def append_and_fail(log: InMemoryLog, events: list[Any], **options: Any) -> None:
    with suppress(LookupError), log.atomic():
        log.append(events, **options)
        raise LookupError


def test_two_logs_know_nothing_of_each_other():
    one, other = InMemoryLog(), InMemoryLog()
    one.append([listed("a")], idempotency_key="k")
    assert list(other.read(Query.all())) == []
    assert other.append([listed("b")], idempotency_key="k")[0].position == 1


def test_what_is_read_shares_nothing_with_what_was_appended():
    log, event = InMemoryLog(), Listed(["a"])
    log.append([event])
    event.members.append("b")
    [first] = log.read(Query.all())
    first.event.members.append("c")
    [again] = log.read(Query.all())
    assert again.event == Listed(["a"])


def test_positions_are_not_given_twice_so_a_rollback_leaves_a_gap():
    log = InMemoryLog()
    append_and_fail(log, [listed("a"), listed("b")])
    assert [each.position for each in log.append([listed("c")])] == [3]


def test_a_context_reaches_to_the_last_fact_that_it_holds():
    log = InMemoryLog()
    log.append([listed("a"), Proposed(Listed([]), tags=("y",))])
    assert log.read_context(X, COUNT).position == 1


def test_a_refused_append_draws_no_position():
    log = InMemoryLog()
    log.append([listed("a")])
    with pytest.raises(AppendConditionFailed):
        log.append([listed("b")], condition=AppendCondition(X))
    with pytest.raises(InvalidTag):
        log.append([Listed([]), Proposed(Listed([]), tags=("y",)), Proposed(Listed([]), tags=("x\n",))])
    assert log.append([listed("c")])[0].position == 2


def test_ids_and_keys_that_were_rolled_back_may_be_used_again():
    log, id = InMemoryLog(), uuid4()
    append_and_fail(log, [Proposed(Listed(["a"]), id=id)], idempotency_key="k")
    assert log.append([Proposed(Listed(["b"]), id=id)], idempotency_key="k")[0].event == Listed(["b"])


def test_it_needs_no_database():
    script = (
        "import django\n"
        "from django.conf import settings\n"
        "settings.configure(INSTALLED_APPS=['factos_django'])\n"
        "django.setup()\n"
        "from demo_project.ticketing.domain import *\n"
        "from factos_django.testing import given\n"
        "opened = ConferenceOpened('c', 1)\n"
        "given(opened).when(BuyTicket('c', 'a'), decider=ticket_sales, query=sale_context)"
        ".then(TicketSold('c', 'a'))\n"
        "print('decided')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=BASE_DIR, capture_output=True, text=True, check=False
    )
    assert done.stdout == "decided\n", done.stderr
