"""Messages: the id of a row, and the alias of its database. Whoever forges one gains nothing (D30)."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from celery import current_app
from django.test.utils import override_settings

from factos_django import Backoff, RegistrationError, effect_type
from factos_django.effects.announcing import Outgoing
from factos_django.registry import HANDLERS
from factos_django.store import append
from factos_django.tasks import effect_task
from factos_django.tasks.messages import delivered_by_message, send
from tests.effects.makeshift import only
from tests.parcels.domain import Notify, ParcelSent
from tests.stores import flushed, on_databases

NAME = "parcels.Notify"


@effect_type("tests.Handled")
@dataclass(frozen=True)
class Handled:
    """It gets handlers of many a kind."""


def request(using=None, **headers):
    return SimpleNamespace(headers={**headers, **({"factos_database": using} if using else {})})


@on_databases()
def test_a_message_has_the_effect_delivered_in_the_database_it_names(store):
    append([ParcelSent("p1", "renata")], using=store.using)
    row = only(store.using)
    assert delivered_by_message(NAME, row.pk, request(store.using)) == "delivered"
    assert delivered_by_message(NAME, row.pk, request(store.using)) == "nothing"
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("done", 1)


FORGED = ["1", None, True, 1.5, [1], {"id": 1}, b"1"]


@on_databases()
@pytest.mark.parametrize("id", FORGED, ids=repr)
def test_what_is_no_id_is_ignored(store, id):
    append([ParcelSent("p1", "renata")], using=store.using)
    assert delivered_by_message(NAME, id, request(store.using)) == "ignored"
    assert only(store.using).attempts == 0


@on_databases()
@pytest.mark.parametrize("using", ["nowhere", 7, ["default"], {"a": 1}, "../default"], ids=repr)
def test_what_is_no_alias_is_ignored(store, using):
    append([ParcelSent("p1", "renata")], using=store.using)
    assert delivered_by_message(NAME, only(store.using).pk, request(using)) == "ignored"
    assert only(store.using).attempts == 0


@on_databases()
def test_a_message_to_the_task_of_another_effect_is_ignored(store):
    append([ParcelSent("p1", "renata")], using=store.using)
    row = only(store.using)
    assert delivered_by_message("parcels.Bill", row.pk, request(store.using)) == "nothing"
    assert delivered_by_message("parcels.Unknown", row.pk, request(store.using)) == "ignored"
    assert only(store.using).attempts == 0


@flushed("default")
@pytest.mark.parametrize("told", [SimpleNamespace(headers=None), SimpleNamespace(), None, request(note="x")])
def test_a_message_without_alias_is_about_where_effects_are_written(told):
    append([ParcelSent("p1", "renata")])
    assert delivered_by_message(NAME, only("default").pk, told) == "delivered"


class NoOutbox:
    """A router by which this database has no outbox."""

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return False if model_name == "effect" else None


@flushed("default")
def test_a_database_without_outbox_is_ignored():
    append([ParcelSent("p1", "renata")])
    with override_settings(DATABASE_ROUTERS=[NoOutbox()]):
        assert delivered_by_message(NAME, only("default").pk, request("default")) == "ignored"


def test_a_message_holds_an_id_and_an_alias_and_nothing_of_the_effect(monkeypatch):
    sent = []
    task = current_app.tasks[f"factos.effect.{NAME}"]
    monkeypatch.setattr(task, "apply_async", lambda *args, **options: sent.append((args, options)))
    send(current_app, Outgoing(7, NAME), "postgres", retry=False)
    assert sent == [(((7,),), {"headers": {"factos_database": "postgres"}, "retry": False})]


def test_the_task_is_a_celery_task_with_the_options_of_the_application(monkeypatch):
    handler = effect_task(Handled, queue="mail", rate_limit="10/m", time_limit=30, acks_late=True)(
        lambda effect, delivery: (effect, delivery)
    )
    try:
        task = handler.task
        assert (task.name, task.rate_limit) == ("factos.effect.tests.Handled", "10/m")
        assert (task.time_limit, task.acks_late, task.ignore_result) == (30, True, True)
        sent = []
        task = current_app.tasks[task.name]
        monkeypatch.setattr(task, "apply_async", lambda *_, **options: sent.append(options["queue"]))
        send(current_app, Outgoing(7, "tests.Handled"), "default")
        assert sent == ["mail"]
        assert handler(Handled(), None) == (Handled(), None)
        assert HANDLERS.named("tests.Handled") is handler
        with pytest.raises(RegistrationError, match="it has a handler already"):
            effect_task(Handled)(lambda effect, delivery: None)
    finally:
        HANDLERS.unregister("tests.Handled")


async def handle_later(_effect, _delivery):
    pass


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"max_attempts": 0}, "max_attempts="),
        ({"max_attempts": True}, "max_attempts="),
        ({"max_attempts": 1.5}, "max_attempts="),
        ({"backoff": 2}, "backoff="),
        ({"fatal": (1,)}, "fatal="),
        ({"fatal": (KeyboardInterrupt,)}, "fatal="),
        ({"fatal": "OSError"}, "fatal="),
        ({"lease_seconds": 0}, "lease_seconds="),
        ({"lease_seconds": float("inf")}, "lease_seconds="),
        ({"lease_seconds": float("nan")}, "lease_seconds="),
        ({"lease_seconds": "1"}, "lease_seconds="),
        ({"lease_seconds": True}, "lease_seconds="),
        ({"name": "mine"}, "name= is ours"),
        ({"bind": False}, "bind= is ours"),
        ({"base": object}, "base= is ours"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(options, reason):
    with pytest.raises(RegistrationError, match=reason):
        effect_task(Handled, **options)
    assert HANDLERS.named("tests.Handled") is None


@pytest.mark.parametrize("handler", [None, 7, handle_later])
def test_what_is_no_function_handles_nothing(handler):
    with pytest.raises(RegistrationError, match="a handler is a function"):
        effect_task(Handled, backoff=Backoff())(handler)
    assert HANDLERS.named("tests.Handled") is None


@pytest.mark.parametrize("kind", [ParcelSent, object, None, Notify("p", "x"), "parcels.Notify"])
def test_what_is_no_effect_type_has_no_handler(kind):
    with pytest.raises(RegistrationError, match="it is no effect type"):
        effect_task(kind)
