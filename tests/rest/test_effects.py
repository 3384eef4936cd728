"""Effects over HTTP: found, told, tried again and given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from factos_django.core.delivery import effect_key
from factos_django.models import Effect, EffectAction
from factos_django.rest_framework import ApiPermissions
from tests.effects.outboxes import attempt, billed, dead, effects, notified
from tests.effects.test_steering import leased
from tests.rest.clients import ApiClient, a_client, a_user
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])


class Open(ApiPermissions):
    """Asks for nobody."""

    def has_perm(self, permission: str) -> bool:
        return True


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["effects"]]


def test_an_effect_is_told(api: ApiClient, store: Store) -> None:
    row = dead(store.using)
    told = api.fetch(f"effects/{row.pk}/").json()
    assert told.pop("actions") == []
    assert api.fetch("effects/").json() == {"effects": [told], "next": None}
    assert (told["id"], told["name"], told["reactor"]) == (row.pk, "parcels.Notify", "parcels.notify")
    assert told["effect_key"] == effect_key(row.reactor, row.event_id, row.name, row.key)
    assert (told["position"], told["event_id"]) == (row.position, str(row.event_id))
    assert (told["state"], told["attempts"], told["holds"], told["key"]) == ("dead", 4, False, row.key)
    assert told["data"] == {"parcel": "p", "goes": "fails 4"}
    assert (row.error, told["error"]) == ("OSError: attempt 4 failed", row.error)
    assert datetime.fromisoformat(told["finished_at"]) == row.finished_at
    assert (told["ordering_key"], told["publish_at"]) == (None, None)


def test_neither_data_nor_words_nor_tracebacks_get_to_who_may_not_see_them(
    api: ApiClient, store: Store
) -> None:
    row = dead(store.using)
    looker = a_client(a_user("looker", "view_effect", "retry_effect", "drop_effect"))
    assert "Traceback" in row.traceback
    for answer in (
        looker.fetch("effects/"),
        looker.fetch(f"effects/{row.pk}/"),
        looker.send(f"effects/{row.pk}/retry/", {}),
        looker.send(f"effects/{row.pk}/drop/", {"reason": "no"}),
    ):
        assert answer.status_code == 200
        text = answer.content.decode()
        assert not [each for each in ('"data"', '"error"', "fails 4", "attempt 4") if each in text]
    assert "Traceback" not in api.fetch(f"effects/{row.pk}/").content.decode()


def test_each_address_asks_for_its_permissions(anybody: ApiClient, store: Store) -> None:
    row = dead(store.using)
    path = f"effects/{row.pk}/"
    users = {
        "nobody": anybody,
        "stranger": a_client(a_user("stranger", "view_event", "view_event_data", "view_projectionstate")),
        "looker": a_client(a_user("looker", "view_effect")),
        "blind": a_client(a_user("blind", "retry_effect", "drop_effect")),
        "retrier": a_client(a_user("retrier", "view_effect", "retry_effect")),
        "dropper": a_client(a_user("dropper", "view_effect", "drop_effect")),
    }
    answered = {
        name: (
            client.fetch("effects/").status_code,
            client.fetch(path).status_code,
            client.send(f"{path}retry/", {}).status_code,
            client.send(f"{path}drop/", {"reason": "no"}).status_code,
        )
        for name, client in users.items()
    }
    assert answered == {
        "nobody": (403, 403, 403, 403),
        "stranger": (403, 403, 403, 403),
        "looker": (200, 200, 403, 403),
        "blind": (403, 403, 403, 403),
        "retrier": (200, 200, 200, 403),
        "dropper": (200, 200, 403, 200),
    }


def test_effects_are_filtered(api: ApiClient, store: Store) -> None:
    died, first = dead(store.using), notified(store.using)
    bill, second = billed(store.using, "fine", "fine")
    created = bill.created_at.isoformat()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    asked: list[tuple[dict[str, Any], list[Effect]]] = [
        ({}, [second, bill, first, died]),
        ({"state": "dead"}, [died]),
        ({"state": "pending"}, [second, bill, first]),
        ({"state": "running"}, []),
        ({"name": "parcels.Bill"}, [second, bill]),
        ({"name": "parcels.bill"}, []),
        ({"reactor": "parcels.notify"}, [first, died]),
        ({"ordering_key": "renata"}, [second, bill]),
        ({"ordering_key": "renata "}, []),
        ({"event_id": str(first.event_id)}, [first]),
        ({"position": first.position}, [first]),
        ({"position": 2**62}, []),
        ({"position": bill.position, "state": "dead"}, []),
        ({"created_before": created}, [first, died]),
        ({"created_after": later}, []),
        ({"before": bill.pk}, [first, died]),
        ({"state": "pending", "limit": 1}, [second]),
    ]
    for parameters, found in asked:
        assert ids(api.fetch("effects/", **parameters)) == [row.pk for row in found], parameters


def test_filters_and_ids_that_make_no_sense_are_refused(api: ApiClient, store: Store) -> None:
    notified(store.using)
    refused: list[dict[str, Any]] = [
        {"state": "DEAD"},
        {"state": ["dead", "dead"]},
        {"state": "dead\x00"},
        {"name": "a\x00"},
        {"event_id": "5"},
        {"position": "-1"},
        {"position": str(2**63)},
        {"position": "9" * 5000},
        {"position": "1.5"},
        {"before": "٣"},
        {"before": "abc"},
        {"limit": "0"},
        {"created_after": "2026-01-01T00:00:00"},
        {"created_after": "0001-01-01T00:00:00+23:59"},
        {"created_before": "9999-12-31T23:59:59-23:59"},
        {"created_before": "yesterday"},
        {"ordering_key__startswith": "r"},
        {"data__contains": "p"},
        {"traceback": ""},
        {"id": "1"},
        {"order_by": "id"},
        {"using": "default"},
    ]
    for parameters in refused:
        answer = api.fetch("effects/", **parameters)
        told = (answer.status_code, answer["Content-Type"])
        assert told == (400, "application/problem+json"), (parameters, answer.content)
    assert api.fetch("effects/1/", using="default").status_code == 400


def test_what_is_no_id_is_not_found(api: ApiClient) -> None:
    for id in ("1", "0", "-1", "٣", "1.5", "abc", str(2**63), "9" * 3000, "1%00", "None"):
        for answer in (
            api.get(f"/api/effects/{id}/"),
            api.send(f"effects/{id}/retry/", {}),
            api.send(f"effects/{id}/drop/", {"reason": "no"}),
        ):
            told = (answer.status_code, answer["Content-Type"])
            assert told == (404, "application/problem+json"), (id, answer.content)
            assert "default" not in answer.content.decode()


def test_a_walk_sees_what_stays_once_while_others_come_and_go(api: ApiClient, store: Store) -> None:
    stay = [notified(store.using) for _ in range(5)]
    gone = notified(store.using)
    answer, seen = api.fetch("effects/", limit=2), []
    while True:
        seen += ids(answer)
        if answer.json()["next"] is None:
            break
        notified(store.using)
        effects(store.using).filter(pk=gone.pk).delete()
        answer = api.get(answer.json()["next"])
    assert seen == [gone.pk, *[row.pk for row in reversed(stay)]]


def test_nothing_is_counted_and_no_traceback_read(
    api: ApiClient, store: Store, django_assert_max_num_queries: Any
) -> None:
    dead(store.using)
    with django_assert_max_num_queries(9, connection=connections[store.using]) as seen:
        assert len(ids(api.fetch("effects/", state="dead"))) == 1
    (statement,) = [each["sql"] for each in seen.captured_queries if "factos_effect" in each["sql"]]
    for word in ("OFFSET", "COUNT", "traceback"):
        assert word not in statement


def test_a_dead_one_is_tried_again_and_who_asked_is_on_record(api: ApiClient, store: Store) -> None:
    row = dead(store.using)
    answer = api.send(f"effects/{row.pk}/retry/", {"reason": "the address is mended"})
    told = answer.json()
    assert (answer.status_code, told["due"], told["state"], told["attempts"]) == (200, 1, "pending", 4)
    (action,) = told["actions"]
    assert (action["action"], action["state"], action["attempts"]) == ("retry", "dead", 4)
    assert action["actor"] == str(User.objects.get(username="root").pk)
    assert action["reason"] == "the address is mended"
    again = api.send(f"effects/{row.pk}/retry/", {}).json()
    assert (again["due"], again["state"], again["actions"]) == (0, "pending", told["actions"])


def test_where_nobody_is_none_an_open_api_steers_for_nobody(
    anybody: ApiClient, store: Store, settings: Any
) -> None:
    settings.FACTOS_API_PERMISSIONS = "tests.rest.test_effects.Open"
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "UNAUTHENTICATED_USER": None}
    path = f"effects/{dead(store.using).pk}/"
    assert anybody.send(f"{path}retry/", {}).status_code == 200
    answer = anybody.send(f"{path}drop/", {"reason": "no"})
    assert answer.status_code == 200, answer.content
    assert [each["actor"] for each in answer.json()["actions"]] == ["", ""]


def test_those_behind_it_are_tried_again_with_it(api: ApiClient, store: Store) -> None:
    rows = billed(store.using, "fatal", "fatal")
    for row in rows:
        attempt(row, store.using, untimely=True)
        if row.state != "dead":  # it waits for the first
            Effect.objects.using(store.using).filter(pk=row.pk).update(
                state="dead", finished_at=row.created_at
            )
    assert api.send(f"effects/{rows[0].pk}/retry/", {"behind": True}).json()["due"] == 2


def test_a_retry_without_a_body_is_one_without_a_reason(api: ApiClient, store: Store) -> None:
    row = dead(store.using)
    path = f"/api/effects/{row.pk}/retry/"
    assert api.generic("POST", path, CONTENT_TYPE="text/plain").status_code == 415
    assert api.generic("POST", path, CONTENT_TYPE="application/json").json()["due"] == 1
    refused = api.generic("POST", f"/api/effects/{row.pk}/drop/", CONTENT_TYPE="application/json")
    assert refused.status_code == 400


def test_one_is_given_up_for_a_reason(api: ApiClient, store: Store) -> None:
    row = dead(store.using)
    for reason in ("", "  ", None):
        body = {} if reason is None else {"reason": reason}
        assert api.send(f"effects/{row.pk}/drop/", body).status_code == 400
    assert api.fetch(f"effects/{row.pk}/").json()["state"] == "dead"
    answer = api.send(f"effects/{row.pk}/drop/", {"reason": "she moved"})
    told = answer.json()
    assert (answer.status_code, told["state"], told["actions"][0]["reason"]) == (200, "dropped", "she moved")
    again = api.send(f"effects/{row.pk}/drop/", {"reason": "she moved"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:factos:effect-finished")
    assert EffectAction.objects.using(store.using).count() == 1


def test_one_that_is_done_or_at_work_is_left_alone(api: ApiClient, store: Store) -> None:
    done, working = notified(store.using), notified(store.using)
    attempt(done, store.using)
    leased(working, store.using)
    for row, kind in ((done, "effect-finished"), (working, "effect-running")):
        for action, body in (("retry", {}), ("drop", {"reason": "no"})):
            answer = api.send(f"effects/{row.pk}/{action}/", body)
            assert (answer.status_code, answer.json()["type"]) == (409, f"urn:factos:{kind}")
    assert not EffectAction.objects.using(store.using).exists()


@pytest.mark.parametrize("action", ["retry", "drop"])
def test_a_body_holds_what_is_asked_for_and_nothing_else(api: ApiClient, store: Store, action: str) -> None:
    row = dead(store.using)
    before = Effect.objects.using(store.using).values().get(pk=row.pk)
    for body in (
        {"reason": "x", "actor": "somebody else"},
        {"reason": "x", "state": "done"},
        {"reason": "x", "attempts": 0},
        {"reason": "x", "id": 1},
        {"reason": "x", "position": 1},
        {"reason": "x", "using": "default"},
        {"reason": 5},
        {"reason": ["x"]},
        {"reason": None},
        {"reason": "x" * 1_001},
        {"reason": "x", "behind": "true"},
        {"reason": "x", "behind": 1},
        '{"reason": "a\\u0000"}',
        '{"reason": "\\ud800"}',
        '{"reason": "a", "reason": "b"}',
        "[]",
        "null",
        '"x"',
        "{",
    ):
        answer = api.send(f"effects/{row.pk}/{action}/", body)
        told = (answer.status_code, answer["Content-Type"])
        assert told == (400, "application/problem+json"), (body, answer.content)
    assert Effect.objects.using(store.using).values().get(pk=row.pk) == before
    assert not EffectAction.objects.using(store.using).exists()


def test_a_session_needs_its_token(api: ApiClient, store: Store) -> None:
    row = dead(store.using)
    strict = ApiClient(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="root"))
    assert strict.send(f"effects/{row.pk}/retry/", {}).status_code == 403
    assert strict.fetch(f"effects/{row.pk}/").json()["state"] == "dead"
