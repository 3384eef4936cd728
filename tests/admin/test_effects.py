"""Effects in the admin: the list, its filters, and the page of one."""

from __future__ import annotations

from datetime import timedelta

from django.db import connections
from django.test.utils import CaptureQueriesContext

from factos_django.admin.effects import paging
from factos_django.core.delivery import effect_key
from factos_django.models import Effect
from tests.admin.clients import staff_client
from tests.effects.outboxes import attempt, billed, dead, effects, finished, notified
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])

LIST = "/admin/factos/effect/"


def page_of(client, **parameters):
    answer = client.get(LIST, parameters)
    assert answer.status_code == 200, answer
    return answer.context["cl"]


def ids(client, **parameters):
    return [row.pk for row in page_of(client, **parameters).result_list]


def test_the_list_tells_what_became_of_each_effect(root, store):
    died, done = dead(store.using), notified(store.using)
    attempt(done, store.using)
    first, second = billed(store.using, "fine", "fine")
    answer = root.get(LIST)
    assert [row.pk for row in answer.context["cl"].result_list] == [second.pk, first.pk, done.pk, died.pk]
    text = answer.content.decode()
    for told in (
        f'<a href="/admin/factos/effect/{died.pk}/change/">{died.pk}</a>',
        f'<a href="/admin/factos/event/{died.position}/change/">#{died.position}</a>',
        '<a href="?ordering_key=renata">renata</a>',
        "OSError: attempt 4 failed",
        '<span class="factos-state factos-state-dead"><span aria-hidden="true">✕</span> dead</span>',
        "parcels.Notify",
        "parcels.notify",
    ):
        assert told in text, told
    assert "delete_selected" not in text
    assert "select_across" not in text


def test_how_many_are_in_each_state_and_which_is_due_for_longest_is_told(root, store, monkeypatch):
    died, first = dead(store.using), notified(store.using)
    notified(store.using)
    shown = page_of(root)
    counts = {each.state: (each.effects, each.is_more) for each in shown.state_counts()}
    zero = (0, False)
    assert counts == {
        "pending": (2, False),
        "running": zero,
        "done": zero,
        "dead": (1, False),
        "dropped": zero,
    }
    assert (shown.oldest_due().id, shown.oldest_due().is_sure) == (first.pk, True)
    monkeypatch.setattr("factos_django.admin.effects.counts.COUNTED", 1)
    shown = page_of(root)
    assert [each.is_more for each in shown.state_counts()] == [True, False, False, False, False]
    assert not shown.oldest_due().is_sure
    text = root.get(LIST).content.decode()
    assert '<a href="/admin/factos/effect/?state=dead" class="factos-count factos-state-dead">' in text
    effects(store.using).update(publish_at=None)
    assert page_of(root).oldest_due() is None
    assert died.state == "dead"


def test_effects_are_filtered_and_searched_for(root, store):
    died, first = dead(store.using), notified(store.using)
    bill, second = billed(store.using, "fine", "fine")
    moment = bill.created_at.isoformat()
    early = first.created_at.isoformat()
    later = (second.created_at + timedelta(hours=1)).isoformat()
    asked = [
        ({"state": "dead"}, [died]),
        ({"state": "pending"}, [second, bill, first]),
        ({"state": "running"}, []),
        ({"name": "parcels.Bill"}, [second, bill]),
        ({"name": "parcels.bill"}, []),
        ({"name": "parcels.Bill", "state": "dead"}, []),
        ({"reactor": "parcels.notify"}, [first, died]),
        ({"reactor": "parcels.notify", "state": "dead"}, [died]),
        ({"ordering_key": "renata"}, [second, bill]),
        ({"ordering_key": "renata "}, []),
        ({"position": first.position}, [first]),
        ({"position": f"#{first.position}"}, [first]),
        ({"position": 2**62}, []),
        ({"position": bill.position, "state": "dead"}, []),
        ({"created_before": moment}, [first, died]),
        ({"created_before": moment, "name": "parcels.Notify", "state": "dead"}, [died]),
        ({"created_after": later}, []),
        ({"created_after": early, "created_before": later, "ordering_key": "renata"}, [second, bill]),
        ({"created_after": early, "name": "parcels.Notify"}, []),
        ({"q": f"#{first.position}"}, [first]),
        ({"q": str(first.pk)}, [first]),
        ({"q": str(first.event_id)}, [first]),
        ({"q": " renata "}, [second, bill]),
        ({"q": "nobody"}, []),
        ({"q": "renata", "state": "dead"}, []),
        ({"name": "", "state": "", "q": ""}, [second, bill, first, died]),
    ]
    for parameters, rows in asked:
        assert ids(root, **parameters) == [row.pk for row in rows], parameters


def test_a_number_or_an_id_of_a_fact_may_be_an_ordering_key_as_well(root, store):
    row = notified(store.using)
    same = str(row.event_id)
    finished(store.using, 1, timedelta(days=1), ordering_key=same)
    finished(store.using, 1, timedelta(days=1), ordering_key=str(row.pk), reactor="other")
    by_id, by_number = effects(store.using).exclude(pk=row.pk).order_by("pk")
    assert ids(root, q=same) == [by_id.pk, row.pk]
    assert ids(root, q=str(row.pk)) == [by_number.pk, row.pk]


def test_what_is_not_understood_is_told_and_finds_nothing(root, store):
    notified(store.using)
    refused = [
        {"state": "DEAD"},
        {"position": "12x"},
        {"position": "-1"},
        {"position": str(2**63)},
        {"position": "٣"},
        {"created_after": "yesterday"},
        {"created_after": "0001-01-01T00:00"},
        {"created_after": "2026-01-02T00:00", "created_before": "2026-01-01T00:00"},
        {"name": "a\x00"},
        {"ordering_key": "a\x00b"},
    ]
    for parameters in refused:
        answer = root.get(LIST, parameters)
        assert answer.status_code == 200
        assert len(answer.context["cl"].problems) == 1, parameters
        assert list(answer.context["cl"].result_list) == [], parameters
    for parameters in ({"data__contains": "p"}, {"error": "x"}, {"id__gt": "1"}):
        assert root.get(LIST, parameters).status_code == 400


def test_pages_go_on_from_ids_under_each_filter(root, store):
    finished(store.using, 120, timedelta(hours=1))
    finished(store.using, 60, timedelta(hours=1), state="dead", name="other", ordering_key="k")
    everything = list(effects(store.using).order_by("-pk").values_list("pk", "state"))
    for parameters in ({}, {"state": "done"}, {"name": "old"}, {"ordering_key": "k"}, {"reactor": "old"}):
        wanted = [
            pk
            for pk, state in everything
            if parameters in ({}, {"reactor": "old"}) or (state == "dead") == ("ordering_key" in parameters)
        ]
        page, seen = page_of(root, **parameters), []
        while True:
            seen += [row.pk for row in page.result_list]
            if page.older_url is None:
                break
            page = root.get(f"{LIST}{page.older_url}").context["cl"]
        assert seen == wanted, parameters
        oldest = page_of(root, **parameters, after=0)
        assert [row.pk for row in oldest.result_list] == wanted[-50:], parameters


def test_a_page_says_how_far_it_looked_for_what_no_index_finds(root, store, monkeypatch):
    monkeypatch.setattr(paging, "WINDOW", 20)
    monkeypatch.setattr(paging, "WINDOWS", 2)
    finished(store.using, 1, timedelta(hours=1), name="rare")
    finished(store.using, 100, timedelta(hours=1), reactor="other")
    rare, *others = effects(store.using).order_by("pk").values_list("pk", flat=True)
    page = page_of(root, name="rare")
    assert (list(page.result_list), page.looked_to) == ([], others[-40])
    page = root.get(f"{LIST}{page.older_url}").context["cl"]
    assert (list(page.result_list), page.looked_to) == ([], others[-80])
    page = root.get(f"{LIST}{page.older_url}").context["cl"]
    assert ([row.pk for row in page.result_list], page.looked_to, page.older_url) == ([rare], None, None)
    upward = page_of(root, name="rare", after=0)
    assert ([row.pk for row in upward.result_list], upward.looked_to) == ([rare], others[38])


def test_neither_data_nor_errors_get_to_who_may_not_see_data(on_store, store):
    row = dead(store.using)
    looker = staff_client("looker", "view_effect")
    for path in (LIST, f"{LIST}{row.pk}/change/", f"{LIST}?state=dead"):
        text = looker.get(path).content.decode()
        assert "parcels.Notify" in text
        assert not [
            each for each in ("fails 4", "attempt 4", "Traceback", "field-error_line") if each in text
        ]
        assert "/admin/factos/event/" not in text
    seer = staff_client("seer", "view_effect", "view_event_data", "view_event")
    text = seer.get(f"{LIST}{row.pk}/change/").content.decode()
    for told in ("fails 4", "OSError: attempt 4 failed", "Traceback", f"/admin/factos/event/{row.position}/"):
        assert told in text


def test_the_page_of_one_tells_everything_and_links_what_it_waits_for(root, store):
    first, second, third = billed(store.using, "fine", "fine", "fine")
    answer = root.get(f"{LIST}{second.pk}/change/")
    assert [each.pk for each in answer.context["waits_for"].effects] == [first.pk]
    assert [each.pk for each in answer.context["held_by"].effects] == [third.pk]
    text = answer.content.decode()
    for told in (
        f'<a href="/admin/factos/effect/{first.pk}/change/">parcels.Bill {first.pk}</a>',
        effect_key(second.reactor, second.event_id, second.name, second.key),
        str(second.event_id),
        "&quot;goes&quot;: &quot;fine&quot;",
        f"/admin/factos/effect/{second.pk}/retry/",
        f"/admin/factos/effect/{second.pk}/retry-behind/",
        f"/admin/factos/effect/{second.pk}/drop/",
        f"/admin/factos/effect/{second.pk}/history/",
    ):
        assert told in text, told
    attempt(first, store.using)
    done = root.get(f"{LIST}{first.pk}/change/")
    assert not done.context["can_retry"]
    assert not done.context["can_drop"]
    assert done.context["held_by"].effects == ()


def test_markup_in_an_effect_is_text(root, store):
    bad = "<script>alert(1)</script>"
    texts = dict.fromkeys(("reactor", "name", "error", "traceback", "ordering_key", "worker"), bad)
    finished(store.using, 1, timedelta(hours=1), state="dead", data=f'{{"a": "{bad}"}}', **texts)
    broken = '{"a": ' + bad
    finished(store.using, 1, timedelta(hours=1), state="dead", name="broken", data=broken)
    for row in effects(store.using):
        text = root.get(f"{LIST}{row.pk}/change/").content.decode()
        assert "&lt;script&gt;" in text
        assert bad not in text
    assert bad not in root.get(LIST, {"ordering_key": bad}).content.decode()
    assert ids(root, ordering_key=bad) == [effects(store.using).first().pk]


def test_what_is_no_effect_is_told_and_leads_back_to_the_list(root):
    for id in ("1", "0", "-1", "abc", str(2**63), "9" * 300):
        for page in ("change", "retry", "retry-behind", "drop"):
            answer = root.get(f"{LIST}{id}/{page}/", follow=True)
            assert answer.redirect_chain[-1][0] == LIST, (id, page)
            assert "There is no effect" in answer.content.decode()


def test_nothing_is_added_changed_or_deleted(root, store):
    row = dead(store.using)
    before = Effect.objects.using(store.using).values().get()
    for path in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/", f"{row.pk}/change/?_popup=1"):
        answer = root.post(f"{LIST}{path}", {"state": "done", "_saveasnew": "1", "post": "yes"})
        assert answer.status_code == 403, path
    everywhere = {"_selected_action": [row.pk], "index": 0, "post": "yes"}
    root.post(LIST, {**everywhere, "action": "delete_selected"})
    root.post(LIST, {**everywhere, "_save": "Save", "form-0-state": "done"})
    assert Effect.objects.using(store.using).values().get() == before


def test_a_page_of_the_list_asks_few_questions_and_reads_no_payload(root, store):
    dead(store.using)
    finished(store.using, 70, timedelta(hours=1))
    with CaptureQueriesContext(connections[store.using]) as seen:
        assert len(ids(root, state="done", reactor="old")) == 50
    asked = [each["sql"] for each in seen.captured_queries if "factos_effect" in each["sql"]]
    assert 5 < len(asked) < 16
    for word in ("OFFSET", "traceback", '"data"', "`data`"):
        assert not [sql for sql in asked if word in sql]
