"""Nobody harms the log by the admin, and facts harm nobody who looks at them (reliability E12 to E14)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.db.models.functions import Now
from django.test import Client

from factos_django import Decider, Proposed, Query, QueryItem, UnregisteredEvent
from factos_django.dispatch import dispatch, stamp
from factos_django.effects.steering import drop
from factos_django.models import (
    Effect,
    Event,
    IdempotencyKey,
    ParkedEvent,
    ProjectionRun,
    ProjectionState,
    Tag,
)
from factos_django.store import append
from factos_django.testing.contract import Noted
from tests.admin.addresses import OBJECTS, addresses, objects_of, routes
from tests.admin.clients import staff_client
from tests.admin.markup import MARK, PAYLOADS, PageText
from tests.admin.story import Story
from tests.browser import in_browser
from tests.stores import Store, on_databases

on_log = on_databases("default", also=["default"])

#: What may be posted to, and the permission that it asks for.
ACTIONS = {
    "factos_effect_retry": "retry_effect",
    "factos_effect_retry_behind": "retry_effect",
    "factos_effect_drop": "drop_effect",
    "factos_projectionstate_rebuild": "rebuild_projection",
    "factos_projectionstate_check": "rebuild_projection",
    "factos_projectionstate_resume": "rebuild_projection",
    "factos_projectionstate_skip": "rebuild_projection",
}
#: Its actions ask first; what is posted without one shows the list.
LIST_WITH_ACTIONS = "factos_effect_changelist"

LOG = (Event, Tag, IdempotencyKey)

#: Parameters by which Django's own pages do more than show.
PARAMETERS = [
    {"_popup": "1"},
    {"_to_field": "id"},
    {"_to_field": "position", "_popup": "1"},
    {"_changelist_filters": "type__exact=x"},
    {"_saveasnew": "1", "_facets": "1", "all": "", "p": "2", "o": "1.-2", "e": "1"},
]


def forms(key: str) -> Iterator[dict[str, Any]]:
    """Yield what might be posted to a page about ``key``."""
    fields = {
        "type": "Forged",
        "data": "{}",
        "name": "x",
        "state": "done",
        "condition": "running",
        "value": "x",
    }
    yield {}
    yield {**fields, "_save": "Save"}
    yield {**fields, "_saveasnew": "1", "_popup": "1", "_to_field": "id"}
    yield {"post": "yes", "_popup": "1"}
    chosen = {"_selected_action": [key, "1"], "select_across": "1", "index": "0"}
    yield {"action": "delete_selected", "post": "yes", **chosen}
    many = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-MAX_NUM_FORMS": "1000"}
    rows = {f"form-0-{name}": value for name, value in {**fields, "id": key, "position": key}.items()}
    yield {**many, **rows, "_save": "Save"}


def hashed(models: Iterable[Any], using: str) -> str:
    """Return a digest of all rows of ``models``."""
    digest = hashlib.sha256()
    with connections[using].cursor() as cursor:
        for model in models:
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            digest.update(repr(sorted(map(repr, cursor.fetchall()))).encode())
    return digest.hexdigest()


def everything() -> list[Any]:
    return list(apps.get_app_config("factos").get_models())


def paths(story: Story) -> list[tuple[str, str]]:
    return addresses(site, objects_of(story))


@pytest.fixture(params=["superuser", "staff with every permission"])
def somebody(request: pytest.FixtureRequest, root: Client) -> Client:
    """Who may do whatever there is to do."""
    if request.param == "superuser":
        return root
    client = staff_client("everything")
    user = User.objects.get(username="everything")
    user.user_permissions.set(Permission.objects.all())
    return client


def test_the_addresses_are_those_of_all_our_models():
    assert {route.split("/")[1] for _, route in routes(site)} == set(OBJECTS)
    assert {name for name, _ in routes(site)} >= {f"factos_{model}_changelist" for model in OBJECTS}
    assert {name for name, _ in routes(site)} >= ACTIONS.keys()


@on_log
def test_nothing_is_added_changed_or_deleted_by_any_address_and_method(somebody, story, store):
    append([Noted("once")], idempotency_key="once", using=store.using)
    before = hashed(everything(), store.using)
    wrong = []
    for name, path in paths(story):
        for ask in ("get", "put", "delete", "patch", "head", "options"):
            for data in [{}, *PARAMETERS] if ask == "get" else [{}]:
                answer = getattr(somebody, ask)(path, data)
                if answer.status_code >= 500:
                    wrong.append((ask, path, data, answer.status_code))
        for data in [] if name in ACTIONS else forms(path.split("/")[4]):
            answer = somebody.post(path, data)
            shows = {"": {301, 302}, LIST_WITH_ACTIONS: {200, 302}}.get(name, set())
            if answer.status_code not in {400, 403, 404, 405} | shows:
                wrong.append(("post", path, data, answer.status_code))
    assert wrong == []
    assert hashed(everything(), store.using) == before


@on_log
def test_what_can_be_done_changes_nothing_of_the_log(root, story, store):
    append([Noted("once")], idempotency_key="once", using=store.using)
    log, before = hashed(LOG, store.using), hashed(everything(), store.using)
    for name, path in paths(story):
        for data in forms(path.split("/")[4]) if name in ACTIONS else []:
            assert root.post(path, {**data, "reason": "because"}).status_code < 500
    assert hashed(LOG, store.using) == log
    assert hashed(everything(), store.using) != before


@on_log
def test_a_user_who_is_deleted_takes_nothing_of_the_log_along(root, story, store):
    user = User.objects.create_user("renata", is_staff=True)
    before = hashed(everything(), store.using)
    assert root.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=user.pk).exists()
    assert hashed(everything(), store.using) == before


def test_no_row_of_ours_refers_to_a_table_of_others_nor_goes_with_one_of_the_log():
    for model in everything():
        for field in model._meta.get_fields():
            if field.is_relation:
                assert field.related_model._meta.app_label == "factos", field
            if field.many_to_one and field.related_model in LOG:
                assert field.remote_field.on_delete.__name__ in ("DO_NOTHING", "PROTECT"), field


@on_log
def test_who_has_not_logged_in_is_asked_to_and_staff_without_permission_sees_nothing(story, store):
    nobody, stranger = Client(), staff_client("stranger", "auth.view_user")
    for name, path in paths(story):
        asked = nobody.get(path)
        assert (asked.status_code, asked["Location"][:13]) == (302, "/admin/login/"), path
        assert nobody.post(path).status_code in (302, 403), path
        if name:
            assert stranger.get(path).status_code == 403, path
            assert stranger.post(path).status_code in (403, 405), path


# What stands in facts stays text


@pytest.fixture
def hostile(on_store: Store, story: Story, settings: Any) -> dict[str, list[str]]:
    """The subjects of pages whose every field holds markup."""
    settings.FACTOS_API_UNREGISTERED_TYPES = True
    using = on_store.using
    facts = [_hostile_fact(payload, using) for payload in PAYLOADS]
    effects = list(Effect.objects.using(using).order_by("pk"))
    for payload, effect in zip(PAYLOADS, effects, strict=False):
        data = json.dumps({payload: [payload, {payload: payload}]})
        state = Effect.objects.using(using).filter(pk=effect.pk)
        state.update(state="dead", finished_at=Now(), data=data, ordering_key=payload, worker=payload)
        drop(effect.pk, reason=payload, actor=payload, using=using)
        state.update(state="dead", error=payload, traceback=payload, failed_at=Now(), worker=payload)
    said = "\n".join(PAYLOADS)
    failed = {"error": said, "traceback": said, "failed_at": Now(), "failed_position": facts[0].position}
    ProjectionState.objects.using(using).filter(name="boxoffice.takings").update(
        condition="stopped", **failed
    )
    parked = {"event": facts[0].id, "error": said, "traceback": said, "parked_at": facts[0].recorded_at}
    ParkedEvent.objects.using(using).create(projection="boxoffice.takings", position=1, **parked)
    later = facts[0].recorded_at + timedelta(hours=1)
    ProjectionRun.objects.using(using).create(
        projection="boxoffice.takings", worker=said[:200], started_at=Now(), leased_until=later
    )
    return {
        **objects_of(story),
        "event": [*(str(fact.position) for fact in facts), str(_with_hostile_type(facts[0].position, using))],
        "tag": [quote(payload) for payload in PAYLOADS],
        "effect": [str(effect.pk) for effect in effects[: len(PAYLOADS)]],
    }


def _hostile_fact(payload: str, using: str) -> Any:
    """Return a fact with ``payload`` wherever there is room for it, and a decision that asked for it."""
    fact = UnregisteredEvent("shop.Noted", 1, {payload: payload, "deep": [{payload: [payload]}]})
    query = Query.of(QueryItem(types=["shop.Noted"], tags=[payload]))
    noting: Any = Decider(
        initial=None, decide=lambda state, command: command, evolve=lambda state, fact: None
    )
    metadata = {payload: payload, "correlation_id": payload, "causation_id": payload, "actor": payload}
    (first,) = append([Proposed(fact, tags=(payload,), metadata=metadata)], using=using)
    with stamp(**metadata):
        return dispatch([Noted(payload)], decider=noting, query=query, using=using).events[0] or first


def _with_hostile_type(position: int, using: str) -> int:
    """Insert, as a database's administrator may, an event with a type that no append takes."""
    columns = "id, type, data, version, metadata, tags, recorded_at"
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO factos_event ({columns}) SELECT %s, %s, %s, version, metadata, tags, recorded_at "
            "FROM factos_event WHERE position = %s",
            [uuid4().hex, PAYLOADS[0], json.dumps(PAYLOADS), position],
        )
    return int(Event.objects.using(using).latest("position").position)


@on_log
def test_markup_in_any_field_and_in_any_address_is_shown_as_text(root, hostile, store):
    seen, wrong, all_in_one = "", [], " ".join(PAYLOADS)
    for _, path in addresses(site, hostile):
        answer = root.get(path)
        pages = [(path, answer)]
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            fields = PageText(answer.content.decode()).fields
            asked = [{name: text} for name in {"q", "nothing", *fields} for text in (PAYLOADS[2], all_in_one)]
            pages += [(f"{path}?{urlencode(each)}", root.get(path, each)) for each in asked]
        for where, page in pages:
            if page.status_code >= 500:
                wrong.append((where, page.status_code))
            if page["Content-Type"].startswith("text/html"):
                read = PageText(page.content.decode())
                wrong.extend((where, each) for each in read.wrong)
                seen += read.text if where == path else ""
            else:
                assert page["Content-Type"] == "application/json", where
    assert wrong == []
    assert [payload for payload in PAYLOADS if payload not in seen] == []


@in_browser("default")
def test_markup_runs_no_script_in_a_browser(visit, hostile, store):
    visit.has_axe = False
    for name, path in addresses(site, hostile):
        if name.endswith(("_changelist", "_change")):
            visit.open(path)
            assert visit.page.evaluate(f"document.querySelectorAll('#{MARK}, [src={MARK}]').length") == 0
    visit.open(f"/admin/factos/event/?{urlencode({'q': PAYLOADS[2]})}")
    assert visit.dialogs == []


# Who sees what


@on_log
def test_data_and_errors_are_for_those_who_may_see_them(story, store):
    secret = "sentinel-7f3"
    using = store.using
    (noted,) = append([Noted(secret)], using=using)
    Effect.objects.using(using).update(error=secret, traceback=secret, data=json.dumps({"x": secret}))
    failed = {"error": secret, "traceback": secret, "failed_at": noted.recorded_at}
    ProjectionState.objects.using(using).update(condition="stopped", failed_position=noted.position, **failed)
    subjects = objects_of(story)
    subjects["event"].append(str(noted.position))
    viewer = staff_client("viewer", *(f"view_{model}" for model in OBJECTS))
    reader = staff_client("reader", "view_event_data", *(f"view_{model}" for model in OBJECTS))
    told = []
    for name, path in [*addresses(site, subjects), ("index", "/admin/"), ("app_list", "/admin/factos/")]:
        for parameters in ({}, {"q": secret}):
            answer = viewer.get(path, parameters)
            assert answer.status_code < 500, path
            said = answer.content.decode().replace(f'value="{secret}"', "")
            if secret in said and not parameters:
                told.append(path)
        if secret in reader.get(path).content.decode():
            told.append(name)
    assert [each for each in told if each.startswith("/")] == []
    assert {"factos_event_changelist", "factos_event_change", "factos_effect_change"} <= set(told)
    assert {"factos_projectionstate_changelist", "factos_projectionstate_change"} <= set(told)


@on_log
@pytest.mark.parametrize("name", ACTIONS)
def test_each_action_asks_for_its_own_permission(name, story, store):
    others = Permission.objects.filter(content_type__app_label="factos").exclude(codename=ACTIONS[name])
    client = staff_client("able", *others.values_list("codename", flat=True))
    before = hashed(everything(), store.using)
    (path, *_) = [path for each, path in paths(story) if each == name]
    assert client.get(path).status_code == 403
    assert client.post(path, {"reason": "x"}).status_code == 403
    assert hashed(everything(), store.using) == before
