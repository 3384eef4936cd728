"""What a person does about effects in the admin: asked for first, done once, on record, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from factos_django import StoreBusy
from factos_django.admin.effects import steps
from factos_django.models import Effect, EffectAction
from tests.admin.clients import staff_client
from tests.effects.outboxes import attempt, billed, dead, effects, finished, notified
from tests.effects.test_steering import leased
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])

LIST = "/admin/factos/effect/"


def said(answer):
    """The messages on the page that the answer led to."""
    return [str(each) for each in answer.context["messages"]]


def rows(using):
    """Everything that an action could change."""
    return [list(model.objects.using(using).order_by("pk").values()) for model in (Effect, EffectAction)]


def entries():
    fields = ("user__username", "object_id", "content_type__model", "change_message")
    return list(LogEntry.objects.order_by("pk").values_list(*fields))


def choose(client, action, *ids, **more):
    posted = {"action": action, "index": 0, "_selected_action": list(ids), **more}
    return client.post(LIST, posted, follow=True)


def confirm(client, action, *ids, **more):
    posted = {"action": action, "said_yes": "1", "_selected_action": list(ids), **more}
    return client.post(LIST, posted, follow=True)


def killed(using, *bills):
    """Dead effects of one ordering key, one behind the other."""
    made = billed(using, *bills)
    effects(using).filter(pk__in=[row.pk for row in made]).update(
        state="dead", finished_at=datetime.now(UTC), publish_at=None, holds=False
    )
    return made


def test_asking_changes_nothing_and_the_post_does_it_once(root, store):
    row = dead(store.using)
    before = rows(store.using)
    path = f"{LIST}{row.pk}/retry/"
    asked = root.get(path)
    assert asked.status_code == 200
    assert (
        f"parcels.Notify, effect {row.pk} of fact #{row.position}: dead, attempts: 4"
        in asked.content.decode()
    )
    assert rows(store.using) == before
    done = root.post(path, {"reason": "mended"}, follow=True)
    assert done.redirect_chain == [(f"{LIST}{row.pk}/change/", 302)]
    assert said(done) == ["1 effect is due now."]
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 4)
    (action,) = EffectAction.objects.using(store.using).all()
    root_pk = str(User.objects.get(username="root").pk)
    assert (action.action, action.actor, action.reason) == ("retry", root_pk, "mended")
    assert entries() == [("root", str(row.pk), "effect", "Tried again. mended")]
    again = root.post(path, follow=True)
    assert said(again) == ["It was due already: it is published again, and nothing was changed."]
    assert len(entries()) == EffectAction.objects.using(store.using).count() == 1
    history = root.get(f"{LIST}{row.pk}/history/").content.decode()
    assert "Tried again. mended" in history
    assert "mended" in root.get(f"{LIST}{row.pk}/change/").content.decode()


def test_those_behind_it_are_named_and_tried_again_with_it(root, store):
    first, second, third = killed(store.using, "fatal", "fatal", "fatal")
    asked = root.get(f"{LIST}{second.pk}/retry-behind/").content.decode()
    assert f"effect {third.pk} of fact" in asked
    assert f"effect {first.pk} of fact" not in asked
    done = root.post(f"{LIST}{second.pk}/retry-behind/", {"reason": ""}, follow=True)
    assert said(done) == ["2 effects are due now."]
    assert [row.state for row in effects(store.using)] == ["dead", "pending", "pending"]
    assert entries() == [("root", str(second.pk), "effect", "Tried again with the dead ones behind it.")]


def test_one_is_dropped_for_a_reason_and_only_for_one(root, store):
    row = dead(store.using)
    before = rows(store.using)
    path = f"{LIST}{row.pk}/drop/"
    for reason in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "a\x00"}, {"reason": "x" * 1_001}):
        answer = root.post(path, reason)
        assert answer.status_code == 200
        assert answer.context["form"].errors
    assert rows(store.using) == before
    done = root.post(path, {"reason": "she moved <b>"}, follow=True)
    assert said(done) == ["1 effect was dropped."]
    assert "she moved &lt;b&gt;" in done.content.decode()
    again = root.post(path, {"reason": "she moved"}, follow=True)
    assert said(again) == [f"Effect {row.pk} is dropped, so there is nothing to do about it."]
    assert EffectAction.objects.using(store.using).get().reason == "she moved <b>"
    assert [entry[3] for entry in entries()] == ["Dropped. she moved <b>"]


def test_one_that_is_done_at_work_or_held_by_a_busy_database_is_left_alone(root, store, monkeypatch):
    done, working = notified(store.using), notified(store.using)
    attempt(done, store.using)
    leased(working, store.using)
    before = rows(store.using)
    for row, words in ((done, "is done, so there is nothing"), (working, "is being delivered by")):
        for step in ("retry", "retry-behind", "drop"):
            answer = root.post(f"{LIST}{row.pk}/{step}/", {"reason": "no"}, follow=True)
            (sentence,) = said(answer)
            assert words in sentence

    def busy(*args, using, **kwargs):
        raise StoreBusy(using=using, seconds=5)

    monkeypatch.setattr(steps, "drop", busy)
    (sentence,) = said(root.post(f"{LIST}{working.pk}/drop/", {"reason": "no"}, follow=True))
    assert "The database is busy" in sentence
    assert rows(store.using) == before
    assert entries() == []


def test_each_action_asks_for_its_permission_before_it_asks_and_before_it_is_done(on_store, store):
    row = dead(store.using)
    users = {
        "stranger": ("view_event", "view_event_data"),
        "blind": ("retry_effect", "drop_effect"),
        "looker": ("view_effect",),
        "dropper": ("view_effect", "drop_effect"),
        "retrier": ("view_effect", "retry_effect"),
    }
    answered = {}
    for name, permissions in users.items():
        client = staff_client(name, *permissions)
        listed = client.get(LIST).status_code
        steps_ = [
            client.get(f"{LIST}{row.pk}/{step}/").status_code for step in ("retry", "retry-behind", "drop")
        ]
        posted = client.post(f"{LIST}{row.pk}/retry/", {"reason": "no"}).status_code
        answered[name] = (listed, *steps_, posted)
    assert answered == {
        "stranger": (403, 403, 403, 403, 403),
        "blind": (403, 403, 403, 403, 403),
        "looker": (200, 403, 403, 403, 403),
        "dropper": (200, 403, 403, 200, 403),
        "retrier": (200, 200, 200, 403, 302),
    }
    row.refresh_from_db()
    assert (row.state, len(entries())) == ("pending", 1)


def test_no_link_leads_to_what_the_user_may_not_do(on_store, store):
    row = dead(store.using)
    for name, mine, others in (("retry", "retry", "drop"), ("drop", "drop", "retry")):
        client = staff_client(name, "view_effect", f"{name}_effect")
        page, listed = client.get(f"{LIST}{row.pk}/change/"), client.get(LIST).content.decode()
        assert f"/{row.pk}/{mine}/" in page.content.decode()
        assert f"/{row.pk}/{others}/" not in page.content.decode()
        assert f"{mine}_selected" in listed
        assert f"{others}_selected" not in listed
    looker = staff_client("looker", "view_effect")
    assert "_selected" not in looker.get(LIST).content.decode()


def test_a_post_without_the_token_does_nothing(root, store):
    row = dead(store.using)
    before = rows(store.using)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="root"))
    for step in ("retry", "retry-behind", "drop"):
        assert strict.post(f"{LIST}{row.pk}/{step}/", {"reason": "x"}).status_code == 403
    assert confirm(strict, "drop_selected", row.pk, reason="x").status_code == 403
    assert rows(store.using) == before


def test_chosen_effects_are_listed_first_and_then_tried_again_each_by_itself(root, store):
    first, second, done = dead(store.using), dead(store.using), notified(store.using)
    attempt(done, store.using)
    before = rows(store.using)
    ids = [first.pk, second.pk, done.pk]
    asked = choose(root, "retry_selected", *ids)
    text = asked.content.decode()
    for id in ids:
        assert f"effect {id} of fact" in text
        assert f'<input type="hidden" name="_selected_action" value="{id}">' in text
    assert rows(store.using) == before
    told = said(confirm(root, "retry_selected", *ids, reason="mended"))
    assert told == [
        "2 effects are due now.",
        f"Effect {done.pk} is done, so there is nothing to do about it.",
    ]
    assert [row.state for row in effects(store.using)] == ["pending", "pending", "done"]
    assert [entry[1] for entry in entries()] == [str(first.pk), str(second.pk)]
    again = said(confirm(root, "retry_selected", first.pk))
    assert again == ["It was due already: it is published again, and nothing was changed."]


def test_chosen_effects_are_dropped_for_a_reason_alone(root, store):
    first, second = dead(store.using), notified(store.using)
    ids = [first.pk, second.pk, 2**62]
    refused = confirm(root, "drop_selected", *ids, reason=" ")
    assert refused.context["form"].errors
    assert not EffectAction.objects.using(store.using).exists()
    assert said(confirm(root, "drop_selected", *ids, reason="gone")) == ["2 effects were dropped."]
    assert {row.state for row in effects(store.using)} == {"dropped"}
    assert [entry[3] for entry in entries()] == ["Dropped. gone"] * 2
    told = said(confirm(root, "drop_selected", *ids, reason="gone"))
    assert told == [f"Effect {id} is dropped, so there is nothing to do about it." for id in ids[:2]]


def test_what_is_chosen_is_of_one_page_and_of_effects(root, store):
    finished(store.using, 60, timedelta(hours=1), state="dead")
    before = rows(store.using)
    ids = list(effects(store.using).values_list("pk", flat=True))
    for chosen in (ids[:51], ["abc"], ["-1"], ["1' OR 1"], [str(2**63)]):
        for ask in (choose, confirm):
            (sentence,) = said(ask(root, "drop_selected", *chosen, reason="x"))
            assert "Choose up to 50 effects of one page" in sentence
    across = choose(root, "drop_selected", ids[0], select_across="1")
    assert across.content.decode().count("_selected_action") == 1
    assert said(choose(root, "drop_selected", select_across="1")) != []
    assert rows(store.using) == before
    confirm(root, "drop_selected", ids[0], select_across="1", reason="x")
    assert effects(store.using).filter(state="dropped").count() == 1


def test_an_action_asks_for_its_permission_for_each_post(on_store, store):
    row = dead(store.using)
    before = rows(store.using)
    dropper = staff_client("dropper", "view_effect", "drop_effect")
    for ask in (choose, confirm):
        assert ask(dropper, "retry_selected", row.pk, reason="x").status_code == 200
        assert ask(dropper, "delete_selected", row.pk, reason="x").status_code == 200
        assert (
            ask(staff_client(f"looker-{ask.__name__}", "view_effect"), "drop_selected", row.pk).status_code
            == 403
        )
    assert rows(store.using) == before


@pytest.fixture
def site_action():
    """An action that the project has for all its lists."""

    def take_all(model_admin, request, queryset):
        queryset.update(state="done")

    admin.site.add_action(take_all, "take_all")
    yield
    admin.site.disable_action("take_all")
    admin.site._global_actions.pop("take_all")


@pytest.mark.usefixtures("site_action")
def test_no_action_of_the_site_reaches_effects(root, store):
    row = dead(store.using)
    before = rows(store.using)
    assert "take_all" not in root.get(LIST).content.decode()
    assert said(choose(root, "take_all", row.pk)) == ["No action selected."]
    assert rows(store.using) == before
