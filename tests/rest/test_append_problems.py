"""What ``POST events/append/`` answers when something is in the way, or fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from factos_django import OutcomeUnknown, Query, RetryTransaction, StoreBusy
from factos_django.rest_framework.problems import problem_of
from factos_django.store import append
from tests.effects.makeshift import reacting
from tests.guards.sessions import Session
from tests.rest.appending import recorded, sent
from tests.rest.clients import ApiClient
from tests.rest.facts import Ordered, an_order
from tests.stores import STORES, Store, flushed, on_databases

with_users = ["default"]
#: Under the other guard appends wait for each other.
by_tags = pytest.mark.parametrize(
    "store",
    [
        pytest.param(store, id=store.id, marks=[flushed(store.using, *with_users)])
        for store in STORES
        if store.guard == "tags"
    ],
    indirect=True,
)


@pytest.fixture
def other(on_store: Store) -> Iterator[Session]:
    """Somebody else, who appends to the same log."""
    session = Session(on_store.using, "other")
    yield session
    session.close()


def under(tag: str) -> dict[str, Any]:
    return {"fail_if_events_match": {"items": [{"tags": [tag]}]}}


@on_databases(also=with_users)
def test_an_append_that_cannot_wait_any_longer_is_answered_503_and_may_be_asked_again(
    api: ApiClient, on_store: Store, other: Session, settings: Any
) -> None:
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 0.2
    other.begin()
    other.run(append, [Ordered("o1")], using=on_store.using)
    busy = sent(api, an_order(), condition=under("order:o1"), key="k")
    assert (busy.status_code, busy["Content-Type"]) == (503, "application/problem+json")
    assert (busy["Retry-After"], busy.json()["type"]) == ("1", "urn:factos:store-busy")
    assert "FACTOS" not in busy.json()["detail"]
    other.rollback()
    assert sent(api, an_order(), condition=under("order:o1"), key="k").status_code == 201
    assert len(recorded(on_store)) == 1


@by_tags
def test_an_open_append_elsewhere_is_in_nobodys_way(
    api: ApiClient, on_store: Store, other: Session, settings: Any
) -> None:
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 0.5
    other.begin()
    other.run(append, [Ordered("o1")], using=on_store.using)
    for _ in range(2):
        context = {"query": {"items": [{"tags": ["order:o2"]}]}}
        after = api.send("events/context/", context).json()["after"]
        assert sent(api, an_order("o2"), condition=under("order:o2") | {"after": after}).status_code == 201
        assert sent(api, an_order("o3")).status_code == 201
    assert sent(api, an_order("o1"), condition=under("order:o1")).status_code == 503
    other.commit()
    assert sent(api, an_order("o1"), condition=under("order:o1")).status_code == 409
    assert len(recorded(on_store)) == 5


@on_databases(also=with_users)
def test_a_reactor_that_fails_is_our_fault_and_not_told(api: ApiClient, on_store: Store) -> None:
    def fail(_: Any) -> list[Any]:
        raise OSError("the secret of the house")

    with reacting(fail, query=Query.all()):
        answer = sent(api, an_order())
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in answer.content.decode()
    assert "tests.tried" not in answer.content.decode()
    assert recorded(on_store) == []


@on_databases("default")
@pytest.mark.parametrize(("key", "advice"), [("k-7", "same Idempotency-Key"), (None, "have ids")])
def test_where_nobody_knows_whether_it_is_recorded_the_key_is_echoed_and_the_next_step_told(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch, key: str | None, advice: str
) -> None:
    def lose(*_: Any, using: str, **__: Any) -> None:
        raise OutcomeUnknown(using=using)

    monkeypatch.setattr("factos_django.rest_framework.surfaces.append.append", lose)
    answer = sent(api, an_order(), key=key)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (500, "urn:factos:outcome-unknown")
    assert problem.get("idempotency_key") == key
    assert advice in problem["detail"]
    assert "default" not in problem["detail"]


def test_what_the_database_said_of_a_deadlock_is_for_its_operators() -> None:
    errors = [
        RetryTransaction(using="ledger-7", reason="deadlock: SELECT pin FROM cards"),
        StoreBusy(using="ledger-7", seconds=5),
    ]
    for error in errors:
        problem = problem_of(error)
        assert (problem.status, problem.headers["Retry-After"]) == (503, "1")
        assert "pin" not in problem.detail
        assert "ledger-7" not in problem.detail
        assert "ask again" in problem.detail
