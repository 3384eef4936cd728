"""Where projections stand, over HTTP, and having them rebuilt and tried again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery, current_app
from django.db import connections
from django.db.models import QuerySet

from factos_django import Recorded
from factos_django.models import ParkedEvent, ProjectionRun, ProjectionState
from factos_django.projections import catch_up
from factos_django.store import append, head
from factos_django.tasks import rebuild_projection_task
from tests.effects.brokers import Broker, celery_worker, opened
from tests.ledger.domain import Deposited, Transferred
from tests.ledger.models import Balance
from tests.projections.ledgers import BALANCES, failing_at, in_place
from tests.rest.clients import ApiClient, a_client, a_user
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])

INLINE = "ledger.balances"


def viewer(*permissions: str) -> ApiClient:
    return a_client(a_user("viewer", "view_projectionstate", *permissions))


@pytest.fixture
def celery_app() -> Iterator[Celery]:
    """A Celery app that nothing is configured for, which is the current one."""
    before = current_app._get_current_object()
    app = Celery("of the test")
    yield app
    before.set_current()
    app.close()


def made_wrong(using: str) -> int:
    """Record a deposit whose inline row is then made wrong; return its position."""
    (fact,) = append([Deposited("a", 5)], using=using)
    QuerySet(Balance, using=using).update(amount=999)
    return fact.position


def stopped_at(using: str) -> int:
    """Record a deposit that the follower of balances cannot fold; return its position."""

    def refuse(recorded: Recorded[Any]) -> None:
        raise ValueError(f"no deposit of {recorded.event.amount}")

    (fact,) = append([Deposited("a", 5)], using=using)
    with in_place(failing_at(refuse)):
        catch_up(using=using)
    return fact.position


def amount(using: str) -> int:
    return int(Balance.objects.using(using).get(pk="a").amount)


def test_projections_are_listed_with_what_they_have_not_applied(api: ApiClient, store: Store) -> None:
    append([Deposited("a", 5), Transferred("a", "b", 1)], using=store.using)
    answer = api.fetch("projections/")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    told = answer.json()
    assert told["head"] == head(store.using)
    found = {each["name"]: each for each in told["projections"]}
    assert list(found) == sorted(found)
    assert (found[INLINE]["mode"], found[INLINE]["position"], found[INLINE]["lag"]) == ("inline", None, None)
    followed = found[BALANCES]
    assert (followed["mode"], followed["position"], followed["last_error"]) == ("async", 0, None)
    assert (followed["lag"]["events"], followed["lag"]["is_more"]) == (2, False)
    assert followed["tables"] == ["ledger.FollowedBalance"]
    catch_up(using=store.using)
    one = api.fetch(f"projections/{BALANCES}/").json()
    assert (one["condition"], one["position"], one["lag"]["events"]) == ("running", told["head"], 0)
    assert one == {each["name"]: each for each in api.fetch("projections/").json()["projections"]}[BALANCES]


def test_one_projection_is_told_without_looking_at_the_others(
    api: ApiClient, store: Store, django_assert_max_num_queries: Any
) -> None:
    append([Deposited("a", 5)], using=store.using)
    with django_assert_max_num_queries(9, connection=connections[store.using]) as seen:
        assert api.fetch(f"projections/{INLINE}/").status_code == 200
    assert not [each for each in seen.captured_queries if "factos_tag" in each["sql"]], "nobody's lag is"


@pytest.mark.parametrize(
    "name", ["ledger.none", "a" * 300, "%00", "..%2f", "ä", "ledger.balances%0A", "1;--"]
)
def test_an_unknown_name_is_not_found(api: ApiClient, name: str) -> None:
    for answer in (
        api.get(f"/api/projections/{name}/"),
        api.get(f"/api/projections/{name}/rows/"),
        api.post(f"/api/projections/{name}/rebuild/", "{}", content_type="application/json"),
        api.post(f"/api/projections/{name}/resume/", "{}", content_type="application/json"),
    ):
        assert (answer.status_code, answer["Content-Type"][:24]) in (
            (404, "application/problem+json"),
            (404, "text/html; charset=utf-8"),  # no address of ours: a slash
        )
        assert answer.status_code == 404


@pytest.mark.parametrize("path", ["projections/", f"projections/{INLINE}/"])
def test_parameters_that_nobody_knows_are_refused(api: ApiClient, path: str) -> None:
    assert api.fetch(path, order_by="name").status_code == 400


def test_each_address_asks_for_its_permission(anybody: ApiClient) -> None:
    stranger = a_client(a_user("stranger", "view_event", "view_effect"))
    for client in (anybody, stranger):
        assert client.fetch("projections/").status_code == 403
        assert client.fetch(f"projections/{INLINE}/").status_code == 403
        assert client.send(f"projections/{INLINE}/rebuild/", {}).status_code == 403
        assert client.send(f"projections/{INLINE}/resume/", {}).status_code == 403
    looker = viewer()
    assert looker.fetch("projections/").status_code == 200
    assert looker.send(f"projections/{INLINE}/rebuild/", {}).status_code == 403
    assert looker.send(f"projections/{INLINE}/resume/", {}).status_code == 403


def test_words_of_an_error_and_workers_are_for_those_who_may_see_them(api: ApiClient, store: Store) -> None:
    position = stopped_at(store.using)
    stopped = ProjectionState.objects.using(store.using).get(pk=BALANCES)
    assert stopped.condition == "stopped"
    later = datetime.now(UTC) + timedelta(hours=1)
    ProjectionRun.objects.using(store.using).create(
        projection=BALANCES, worker="host 1 x", leased_until=later, started_at=later, position=3, head=9
    )
    ParkedEvent.objects.using(store.using).create(
        projection=BALANCES, position=3, error="secret", parked_at=later
    )
    full, bare = api.fetch(f"projections/{BALANCES}/"), viewer().fetch(f"projections/{BALANCES}/")
    assert full.json()["last_error"]["error"] == stopped.error != ""
    assert (full.json()["run"]["worker"], full.json()["run"]["head"]) == ("host 1 x", 9)
    told = bare.json()
    assert (told["condition"], told["parked"], told["run"]["position"]) == ("stopped", 1, 3)
    assert (told["last_error"]["position"], told["last_error"]["event"]) == (
        position,
        str(stopped.failed_event),
    )
    for text in (stopped.error, "host 1 x", "secret", "Traceback", '"worker"'):
        assert text not in bare.content.decode()
    assert "Traceback" not in full.content.decode()


def test_a_projection_that_stopped_is_resumed(api: ApiClient, store: Store) -> None:
    stopped_at(store.using)
    assert api.post(f"/api/projections/{BALANCES}/resume/").status_code == 415  # a form
    answer = api.generic("POST", f"/api/projections/{BALANCES}/resume/", CONTENT_TYPE="application/json")
    assert (answer.status_code, answer.json()) == (200, {"resumed": True})
    assert api.fetch(f"projections/{BALANCES}/").json()["condition"] == "running"
    assert api.send(f"projections/{BALANCES}/resume/", {}).json() == {"resumed": False}


def test_an_inline_one_that_stopped_has_to_be_rebuilt(api: ApiClient, store: Store) -> None:
    ProjectionState.objects.using(store.using).update_or_create(
        name=INLINE,
        defaults={"mode": "inline", "version": 1, "query_digest": "", "condition": "stopped"},
    )
    answer = api.send(f"projections/{INLINE}/resume/", {})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:factos:rebuild-needed")


@pytest.mark.parametrize(
    "body", ['{"check": true}', '{"name": "x"}', '{"using": "default"}', "[]", "null", '"x"', "1", "{"]
)
def test_a_body_says_nothing(api: ApiClient, celery_app: Celery, body: str) -> None:
    celery_app.conf.broker_url = "memory://"
    assert api.send(f"projections/{INLINE}/rebuild/", body).status_code == 400


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_the_form_of_another_site_begins_no_rebuild(api: ApiClient, celery_app: Celery, kind: str) -> None:
    celery_app.conf.broker_url = "memory://"
    answer = api.generic("POST", f"/api/projections/{INLINE}/rebuild/", CONTENT_TYPE=kind)
    assert answer.status_code == 415


def test_without_a_broker_nothing_is_rebuilt(api: ApiClient, celery_app: Celery) -> None:
    celery_app.conf.broker_url = None
    answer = api.send(f"projections/{INLINE}/rebuild/", {})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:factos:no-broker")
    assert "CELERY_BROKER_URL" in answer.json()["detail"]
    assert "Retry-After" in answer.headers


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_down_or_hangs_is_given_up(api: ApiClient, celery_app: Celery, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:  # the kernel takes connections; nobody answers
        for port in (1, hanging.getsockname()[1]):
            celery_app.conf.broker_url = f"{scheme}://user:password@127.0.0.1:{port}//"
            answer = api.send(f"projections/{INLINE}/rebuild/", {})
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:factos:broker-unavailable")
            assert "127.0.0.1" not in answer.content.decode()


def test_a_rebuild_that_goes_on_is_not_begun_twice(
    api: ApiClient, store: Store, celery_app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    celery_app.conf.broker_url = "redis://127.0.0.1:1/0"  # it is not asked
    later = datetime.now(UTC) + timedelta(hours=1)
    ProjectionRun.objects.using(store.using).create(projection=INLINE, worker="x y z", leased_until=later)
    answer = api.send(f"projections/{INLINE}/rebuild/", {})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:factos:rebuild-running")
    assert rebuild_projection_task(INLINE, store.using) == "refused"
    assert f"of {INLINE} was refused" in caplog.text


@pytest.mark.parametrize("name", [None, 1, ["a"], {"a": 1}, "ledger.none"])
def test_a_forged_message_does_nothing(store: Store, name: Any) -> None:
    assert rebuild_projection_task(name, store.using) in ("ignored", "refused")
    assert rebuild_projection_task(INLINE, "nowhere") == rebuild_projection_task(INLINE, None) == "ignored"


def test_where_tasks_run_eagerly_it_is_rebuilt_at_once(
    api: ApiClient, store: Store, celery_app: Celery
) -> None:
    celery_app.conf.task_always_eager = True
    made_wrong(store.using)
    before = api.fetch(f"projections/{INLINE}/").json()["rebuilt_at"]
    answer = api.send(f"projections/{INLINE}/rebuild/", {})
    assert (answer.status_code, answer.content) == (202, b"")
    assert amount(store.using) == 5
    assert api.get(answer["Location"]).json()["rebuilt_at"] is not None is before


@pytest.fixture
def broker(store: Store) -> Iterator[Broker]:
    """A broker: files beside SQLite, RabbitMQ beside MariaDB, else Redis."""
    with opened({"default": "files", "mariadb": "rabbitmq"}.get(store.using, "redis")) as given:
        yield given


def test_a_worker_rebuilds_it_and_anybody_who_may_look_sees_when(
    api: ApiClient, store: Store, broker: Broker, celery_app: Celery
) -> None:
    celery_app.conf.update(
        {name.removeprefix("CELERY_").lower(): each for name, each in broker.settings.items()}
    )
    made_wrong(store.using)
    answer = api.send(f"projections/{INLINE}/rebuild/", {})
    assert (answer.status_code, answer["Location"]) == (202, f"http://testserver/api/projections/{INLINE}/")
    assert amount(store.using) == 999, "nobody works yet"
    with celery_worker(broker) as worker:
        worker.says("s: 'rebuilt'")
    assert amount(store.using) == 5
    told = api.get(answer["Location"]).json()
    assert (told["run"], told["needs_rebuild"], told["condition"]) == (None, False, "running")
    rebuilt_at = datetime.fromisoformat(told["rebuilt_at"])
    assert timedelta(0) <= datetime.now(UTC) - rebuilt_at < timedelta(minutes=5)
