"""Projections in the admin: where they stand, what holds the head back, and what can be done about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from celery import Celery, current_app
from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connections
from django.db.models import QuerySet
from django.test import Client, RequestFactory

from factos_django.admin import ProjectionAdmin
from factos_django.models import ParkedEvent, ProjectionRun, ProjectionState
from factos_django.projections import catch_up
from factos_django.projections.rebuilding import check
from factos_django.store import append, head
from tests.admin.clients import staff_client
from tests.guards.sessions import Session
from tests.ledger.domain import Deposited, Transferred
from tests.ledger.models import Balance
from tests.oddities.facts import Noted
from tests.projections.ledgers import BALANCES, TURNOVERS, failing_at, in_place
from tests.rest.conftest import session
from tests.stores import Store, on_databases

__all__ = ["session"]

INLINE = "ledger.balances"
LIST = "/admin/factos/projectionstate/"
SECRET = "no deposit of 5"  # as the code of a project may quote a fact

everywhere = on_databases(also=["default"])


def at(name: str, page: str = "change") -> str:
    """The address of a page of a projection."""
    return f"{LIST}{name.replace('_', '_5F')}/{page}/"


def stopped(using: str) -> int:
    """Record a deposit that the follower of balances cannot fold; return its position."""

    def refuse(recorded: Any) -> None:
        raise ValueError(f"no deposit of {recorded.event.amount}")

    (fact,) = append([Deposited("a", 5)], using=using)
    with in_place(failing_at(refuse)):
        catch_up(using=using)
    return fact.position


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def rows_of(answer: Any) -> dict[str, str]:
    """The rows of the list, as text, by the name of their projection."""
    found = {}
    for row in text_of(answer).split("<tbody>")[-1].split("<tr>")[1:]:
        name = row.split("</a>")[0].rpartition(">")[2]
        found[name] = row
    return found


def said(answer: Any) -> list[str]:
    """The messages of the page that an answer leads to."""
    return [str(each) for each in answer.context["messages"]]


def audit() -> list[tuple[str, str, str]]:
    entries = LogEntry.objects.order_by("pk")
    return [(each.user.username, each.object_id or "", each.change_message) for each in entries]


@pytest.fixture
def celery_app() -> Iterator[Celery]:
    """A Celery app whose tasks run here and now, which is the current one."""
    before = current_app._get_current_object()
    app = Celery("of the test")
    app.conf.task_always_eager = True
    yield app
    before.set_current()
    app.close()


@everywhere
def test_every_registered_projection_is_listed_with_what_it_has_not_applied(
    root: Client, store: Store
) -> None:
    using = store.using
    append([Deposited("a", 5), Transferred("a", "b", 1)], using=using)
    ProjectionState.objects.using(using).create(name="old.sales", version=1, query_digest="", mode="async")
    ProjectionState.objects.using(using).filter(pk__in=[BALANCES, TURNOVERS]).delete()
    later, now = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC)
    ProjectionRun.objects.using(using).create(
        projection=INLINE, worker="x y z", leased_until=later, started_at=now, position=3, head=4, events=3
    )
    answer = root.get(LIST)
    rows = rows_of(answer)
    assert list(rows)[-1] == "old.sales"
    assert "no longer registered" in rows["old.sales"]
    assert [name for name in rows if name.startswith("ledger.")] == [
        "ledger.balances", "ledger.entries", "ledger.followed_balances", "ledger.followed_entries",
        "ledger.turnovers",
    ]  # fmt: skip
    assert "○</span> new" in rows[BALANCES]
    assert "2 events, " in rows[BALANCES]
    assert "1 event, " in rows[TURNOVERS]
    assert "A rebuild goes on (75 %)" in rows[INLINE]
    assert (answer.context["log"].head, answer.context["log"].holder) == (head(using), None)
    catch_up(using=using)
    rows = rows_of(root.get(LIST))
    assert f"<td>#{head(using)}</td>" in rows[BALANCES]
    assert "▶</span> running" in rows[BALANCES]
    assert ">none</td>" in rows[BALANCES]


@everywhere
def test_one_that_stopped_tells_why_to_those_who_may_see_data(
    root: Client, on_store: Store, store: Store
) -> None:
    using, position = store.using, stopped(store.using)
    ProjectionState.objects.using(using).filter(pk=BALANCES).update(version=7)
    ParkedEvent.objects.using(using).create(
        projection=BALANCES, position=position, error=SECRET, parked_at=datetime.now(UTC), by_hand=True
    )
    ProjectionRun.objects.using(using).create(
        projection=BALANCES, outcome="failed", error=SECRET, ended_at=datetime.now(UTC)
    )
    row, page = rows_of(root.get(LIST))[BALANCES], text_of(root.get(at(BALANCES)))
    for text in (row, page):
        assert "■</span> stopped" in text
        assert "needs rebuild" in text
        assert SECRET in text
        assert f'<a href="/admin/factos/event/{position}/change/">#{position}</a>' in text
    assert "Traceback (most recent call last)" in page
    assert "its rows are those of version 7" in page
    assert page.count(SECRET) >= 4  # the error, its traceback, the parked fact, the run
    blind = staff_client("blind", "view_projectionstate", "view_event")
    for address in (LIST, at(BALANCES), at(BALANCES, "progress")):
        answer = blind.get(address)
        assert answer.status_code == 200
        assert SECRET not in text_of(answer)
        assert "Traceback (" not in text_of(answer)
    assert "It failed, and the rows are as they were." in text_of(blind.get(at(BALANCES)))
    assert "/rebuild/" not in text_of(blind.get(at(BALANCES)))


@everywhere
def test_the_page_tells_the_query_and_the_tables_in_words(root: Client, store: Store) -> None:
    append([Deposited("a", 5)], using=store.using)
    page = text_of(root.get(at(BALANCES)))
    assert "ledger.Deposited" in page
    assert "ledger.FollowedBalance" in page
    assert "1 event, " in page
    assert "There was none yet." in page
    assert root.get(at(INLINE)).status_code == 200
    for name in ("nowhere", "ledger.none", "a" * 300, "%00", "ä", "1;--"):
        for address in ("change", "rebuild", "progress"):
            assert root.get(f"{LIST}{name}/{address}/").status_code == 404
    ProjectionState.objects.using(store.using).create(name="old.sales", version=1, mode="async")
    page = text_of(root.get(at("old.sales")))
    assert "No projection is registered under this name any more." in page
    assert root.get(at("old.sales", "rebuild")).status_code == 404


@on_databases("postgres", also=["default"])
def test_what_holds_the_head_back_is_told_and_its_statement_to_those_who_may_see_data(
    root: Client, on_store: Store, store: Store, session: Callable[[str], Session], settings: Any
) -> None:
    if store.guard != "tags":
        pytest.skip("nothing holds the head back")
    using = store.using
    (before,) = append([Deposited("a", 5)], using=using)
    other = session("other")
    other.begin()
    other.run(lambda: append([Noted("secret", 1)], using=using))
    other.run(lambda: statement(using, "SELECT 'secret of the statement'"))
    (after,) = append([Deposited("b", 5)], using=using)
    answer = root.get(LIST)
    log, page = answer.context["log"], text_of(answer)
    assert (log.head, log.position) == (before.position, after.position)
    assert f"the open transaction of process {log.holder.pid}" in page
    assert "idle in transaction" in page
    assert "SELECT 'secret of the statement'" in page
    assert "Warning:" not in page
    blind = staff_client("blind", "view_projectionstate")
    settings.FACTOS_MAX_HELD_SECONDS = 0.001
    page = text_of(blind.get(LIST))
    assert f"the open transaction of process {log.holder.pid}" in page
    assert "secret" not in page
    assert "which is longer than 0 s (FACTOS_MAX_HELD_SECONDS)" in page
    other.rollback()
    assert root.get(LIST).context["log"].holder is None


def statement(using: str, sql: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(sql)


@everywhere
def test_nobody_writes_without_the_permission_and_nothing_by_other_addresses(
    root: Client, on_store: Store, store: Store, celery_app: Celery
) -> None:
    stopped(store.using)
    before = list(ProjectionState.objects.using(store.using).order_by("pk").values())
    viewer = staff_client("viewer", "view_projectionstate", "view_event_data")
    steerer = staff_client("steerer", "rebuild_projection")
    for client in (viewer, steerer):
        for step in ("rebuild", "check", "resume", "skip"):
            assert client.get(at(BALANCES, step)).status_code == 403
            assert client.post(at(BALANCES, step)).status_code == 403
    for address in (LIST, at(BALANCES), at(BALANCES, "progress")):
        assert steerer.get(address).status_code == 403
        assert root.post(address, {"action": "delete_selected", "name": "x"}).status_code in (403, 405)
    assert root.put(at(BALANCES, "rebuild")).status_code == 405
    assert root.post(f"{LIST}add/").status_code == 403
    assert root.post(at(BALANCES, "delete"), {"post": "yes"}).status_code == 403
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(User.objects.get(username="root"))
    assert guarded.post(at(BALANCES, "resume")).status_code == 403
    assert Client().get(LIST).status_code == 302
    assert list(ProjectionState.objects.using(store.using).order_by("pk").values()) == before
    assert not ProjectionRun.objects.using(store.using).exists()
    assert audit() == []


@everywhere
def test_a_rebuild_and_a_check_are_asked_for_and_their_outcome_is_shown(
    on_store: Store, store: Store, celery_app: Celery
) -> None:
    using = store.using
    client = staff_client("ada", "view_projectionstate", "rebuild_projection")
    append([Deposited("a", 5)], using=using)
    QuerySet(Balance, using=using).update(amount=999)
    asked = client.get(at(INLINE, "check"))
    assert "compare them with those that are there?" in text_of(asked)
    assert not ProjectionRun.objects.using(using).exists(), "GET changes nothing"
    page = client.post(at(INLINE, "check"), follow=True)
    assert said(page) == ["A check was asked for."]
    assert "Compared with 1 event, 1 row was wrong: 0 missing, 0 too many, 1 with other values." in text_of(
        page
    )
    assert Balance.objects.using(using).get(pk="a").amount == 999
    page = client.post(at(INLINE, "rebuild"), follow=True)
    assert "Rebuilt from 1 event: 1 row was put right." in text_of(page)
    assert Balance.objects.using(using).get(pk="a").amount == 5
    assert audit() == [
        ("ada", INLINE, "A check was asked for."),
        ("ada", INLINE, "A rebuild was asked for."),
    ]
    history = text_of(client.get(at(INLINE, "history")))
    assert "A check was asked for." in history
    assert client.get(at(BALANCES, "history")).status_code == 200, "of one that nobody has stored yet"


@everywhere
def test_how_far_a_run_is_is_told_as_it_goes_on(root: Client, store: Store, celery_app: Celery) -> None:
    using = store.using
    append([Deposited("a", 5)], using=using)
    runs = ProjectionRun.objects.using(using)
    assert root.get(at(BALANCES, "progress")).json()["phase"] == "none"
    runs.create(projection=BALANCES, asked_at=datetime.now(UTC), asked_to_check=True)
    answer = root.get(at(BALANCES, "progress"))
    assert "no-store" in answer["Cache-Control"]
    assert answer.json() == {
        "phase": "waiting",
        "heading": "A check was asked for",
        "text": "Waiting for a worker: none has begun.",
        "percent": None,
        "error": "",
        "is_over": False,
    }
    page = text_of(root.get(at(BALANCES)))
    assert f'data-factos-progress="{at(BALANCES, "progress")}"' in page
    assert "Load this page again" in page
    later = datetime.now(UTC) + timedelta(hours=1)
    runs.update(
        asked_at=None, checks=True, worker="x y z", leased_until=later, head=200, position=50, events=1_234
    )
    told = root.get(at(BALANCES, "progress")).json()
    assert (told["phase"], told["heading"], told["percent"]) == ("running", "A check goes on", 25)
    assert told["text"] == "1,234 events, at #50 of #200 (25 %)"
    assert '<progress max="100" value="25"' in text_of(root.get(at(BALANCES)))
    refused = root.post(at(BALANCES, "rebuild"), follow=True)
    assert said(refused)[0].startswith(f"{BALANCES} is being rebuilt or checked already, by x y z: wait")
    runs.update(leased_until=datetime.now(UTC) - timedelta(hours=1))
    told = root.get(at(BALANCES, "progress")).json()
    assert (told["phase"], told["is_over"]) == ("ended", True)
    assert told["text"].startswith("It ended without a word: its worker died")
    runs.all().delete()
    check(BALANCES, using=using)
    assert root.get(at(BALANCES, "progress")).json()["text"] == "All rows are what 0 events say."


@pytest.mark.parametrize(
    ("broker", "begins"),
    [
        (None, "No Celery broker is configured in this process"),
        ("redis://user:secret@127.0.0.1:1/0", "The broker takes no messages now, so nothing was begun."),
    ],
)
@on_databases("default")
def test_where_no_worker_can_be_asked_the_command_is_told(
    root: Client, store: Store, celery_app: Celery, broker: str | None, begins: str
) -> None:
    celery_app.conf.update(task_always_eager=False, broker_url=broker)
    page = root.post(at(INLINE, "check"), follow=True)
    assert said(page)[0].startswith(begins)
    assert said(page)[0].endswith(f"un: manage.py rebuild_projections {INLINE} --check")
    assert "127.0.0.1" not in text_of(page)
    assert "waiting" not in text_of(page).lower()
    assert audit() == []


@everywhere
def test_one_that_stopped_is_resumed(root: Client, store: Store) -> None:
    position = stopped(store.using)
    asked = text_of(root.get(at(BALANCES, "resume")))
    assert "try again at once, at the fact that it could not fold?" in asked
    assert SECRET in asked
    page = root.post(at(BALANCES, "resume"), follow=True)
    assert said(page) == ["It goes on from where it is."]
    catch_up(using=store.using)
    assert ProjectionState.objects.using(store.using).get(pk=BALANCES).position == position
    page = root.post(at(BALANCES, "resume"), follow=True)
    assert said(page) == ["It had not stopped, so nothing was changed."]
    assert audit() == [("root", BALANCES, "It goes on from where it is.")]


@everywhere
def test_the_fact_that_it_stopped_at_is_skipped_and_no_other(root: Client, store: Store) -> None:
    using, position = store.using, stopped(store.using)
    states = ProjectionState.objects.using(using)
    asked = root.get(at(BALANCES, "skip"))
    assert f"go on without #{position}, which it could not fold?" in text_of(asked)
    assert f'<input type="hidden" name="position" value="{position}">' in text_of(asked)
    for other in ({}, {"position": str(position - 1)}, {"position": "x"}):
        page = root.post(at(BALANCES, "skip"), other, follow=True)
        assert said(page)[0].startswith("It has stopped at another fact meanwhile, so nothing was done.")
        assert states.get(pk=BALANCES).condition == "stopped"
    page = root.post(at(BALANCES, "skip"), {"position": str(position)}, follow=True)
    assert said(page) == [f"It goes on without #{position}."]
    assert (states.get(pk=BALANCES).condition, states.get(pk=BALANCES).position) == ("running", position)
    assert "The facts that it went on without" in text_of(page)
    assert audit() == [("root", BALANCES, f"It goes on without #{position}.")]
    page = root.get(at(BALANCES, "skip"), follow=True)
    assert said(page) == [f"{BALANCES} has not stopped at a fact: there is nothing to go on without."]


@everywhere
def test_an_inline_one_that_stopped_is_sent_to_its_rebuild(root: Client, store: Store) -> None:
    changed = {"mode": "inline", "version": 1, "query_digest": "", "condition": "stopped"}
    ProjectionState.objects.using(store.using).update_or_create(name=INLINE, defaults=changed)
    for step in ("resume", "skip"):
        page = root.post(at(INLINE, step), follow=True)
        assert said(page) == [
            f"{INLINE} is inline, and has missed what was recorded since it stopped: it cannot go on from "
            "there. Mend its code, then rebuild it."
        ]
    assert audit() == []


@everywhere
def test_pages_read_no_more_the_longer_the_log_is(
    root: Client, store: Store, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr("factos_django.admin.projections.projection_admin.READ", 12)
    append([Deposited("a", 1)] * 9, using=store.using)
    ParkedEvent.objects.using(store.using).bulk_create(
        ParkedEvent(projection=BALANCES, position=number, error="", parked_at=datetime.now(UTC))
        for number in range(60)
    )
    root.get(LIST)
    with django_assert_max_num_queries(45, connection=connections[store.using]):
        row = rows_of(root.get(LIST))[BALANCES]
    assert "4+ events, " in row
    assert "<td>12+</td>" in row
    with django_assert_max_num_queries(20, connection=connections[store.using]) as seen:
        page = text_of(root.get(at(BALANCES)))
    assert "There are more." in page
    assert page.count("itself") == 50
    assert all("LIMIT" in each["sql"] for each in seen.captured_queries if "factos_parked" in each["sql"])


@on_databases("default")
def test_it_works_registered_again_in_another_site(root: Client, store: Store) -> None:
    site = AdminSite(name="other")

    class Ours(ProjectionAdmin):
        using = "default"

    site.register(ProjectionState, Ours)
    ours = site._registry[ProjectionState]
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="root")
    assert isinstance(ours, Ours)
    assert ours.alias == "default"
    assert {each.name for each in ours.get_urls()} >= {
        f"factos_projectionstate_{name}" for name in ("rebuild", "check", "resume", "skip", "progress")
    }
    shown: Any = ours.changelist_view(request)
    assert shown.context_data["has_view_permission"]
