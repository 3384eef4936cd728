"""``manage.py factos_status``: a table for people, JSON and an exit code for monitors."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line

from factos_django.effects.steering import drop
from factos_django.models import ParkedEvent, ProjectionRun, ProjectionState
from factos_django.projections.failures import Failure
from factos_django.projections.states import ensure_states, lease, put_off, stop
from factos_django.registry import PROJECTIONS
from factos_django.store import append
from factos_django.workers.leases import this_worker
from tests.effects.outboxes import dead, notified
from tests.guards.sessions import Session, under_tags
from tests.ledger.domain import Deposited, Transferred
from tests.ledger.factos import entries, followed_entries, turnovers
from tests.scratch import empty_database
from tests.stores import Store, on_databases


@pytest.fixture(autouse=True)
def known(request: pytest.FixtureRequest) -> None:
    if "store" in request.fixturenames:
        store = request.getfixturevalue("store")
        ensure_states([each for each in PROJECTIONS if each.takes_part(store.using)], store.using)


def factos_status(using: str, *arguments: str) -> tuple[int, str, str]:
    """The exit code, what it prints, and what it complains of."""
    out = StringIO()
    try:
        call_command("factos_status", "--database", using, "--no-color", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def row(printed: str, name: str) -> list[str]:
    """The cells of a projection's row."""
    (line,) = (line for line in printed.splitlines() if line.startswith(f"{name} "))
    return re.split(r"  +", line)


def follow_all(using: str, **changes: Any) -> None:
    ProjectionState.objects.using(using).update(position=10**9, **changes)


@on_databases()
def test_all_is_well(store: Store) -> None:
    append([Deposited("a", 1)], using=store.using)
    follow_all(store.using)
    code, printed, complaint = factos_status(store.using)
    assert (code, complaint) == (0, "")
    assert printed.splitlines()[0] == f"The log on {store.using}"
    assert re.search(r"^events +1$", printed, re.MULTILINE)
    assert row(printed, "ledger.balances") == ["ledger.balances", "inline", "running"]
    assert row(printed, "ledger.turnovers") == ["ledger.turnovers", "async", "running", "1,000,000,000"]
    assert printed.endswith("All is well.\n")


@on_databases()
def test_who_is_behind_is_told_and_fails_beyond_what_is_allowed(store: Store) -> None:
    append([Transferred("a", "b", 1)] * 2, using=store.using)
    follow_all(store.using)
    ProjectionState.objects.using(store.using).filter(pk=turnovers.name).update(position=0)
    code, printed, _ = factos_status(store.using)
    assert code == 0
    assert re.fullmatch(r"2 events, \d+ s", row(printed, turnovers.name)[-1])
    assert factos_status(store.using, "--max-lag", "2")[0] == 0
    assert factos_status(store.using, "--max-lag", "3600s")[0] == 0
    code, printed, complaint = factos_status(store.using, "--max-lag", "1")
    assert (code, complaint) == (3, "ledger.turnovers is 2 events behind, of 1 allowed")
    assert "All is well" not in printed
    assert "PROJECTION" in printed
    code, _, complaint = factos_status(store.using, "--max-lag", "0s")
    assert code == 3
    assert complaint.endswith("of 0 s allowed")


@on_databases()
def test_a_stopped_and_a_stale_projection_fail(store: Store) -> None:
    follow_all(store.using)
    stop(entries, Failure(3, uuid4(), "ValueError: no", ""), store.using)
    ProjectionState.objects.using(store.using).filter(pk=turnovers.name).update(version=9)
    code, printed, complaint = factos_status(store.using)
    assert code == 3
    assert complaint.splitlines() == [
        "ledger.entries stopped at position 3: ValueError: no",
        "ledger.turnovers needs a rebuild: manage.py rebuild_projections ledger.turnovers",
    ]
    assert row(printed, "ledger.entries")[2] == "stopped"
    assert row(printed, "ledger.turnovers")[2] == "running, needs a rebuild"
    assert re.search(r"^    since .* UTC at position 3: ValueError: no$", printed, re.MULTILINE)


@on_databases("default")
def test_details_are_told_below_the_row(store: Store) -> None:
    ParkedEvent.objects.create(projection=turnovers.name, position=3, error="", parked_at=datetime.now(UTC))
    ProjectionRun.objects.create(
        projection=entries.name,
        worker=this_worker(),
        leased_until=datetime.now(UTC) + timedelta(hours=1),
        position=1_000,
        head=2_000,
    )
    now = datetime.now(UTC)
    found: dict[str, Any] = {"checks": True, "outcome": "different", "missing": 1, "different": 2}
    ProjectionRun.objects.create(projection=turnovers.name, asked_at=now, ended_at=now, **found)
    taken = lease(followed_entries.name, store.using)
    assert taken is not None
    put_off(taken, Failure(7, uuid4(), "OperationalError: gone", ""))
    assert lease(turnovers.name, store.using) is not None
    ProjectionState.objects.create(name="old.sales", version=1, query_digest="")
    code, printed, _ = factos_status(store.using)
    assert code == 0
    assert "    went on without 1 events (parked)\n" in printed
    assert f"    rebuilt by {this_worker()}, at 1,000 of 2,000\n" in printed
    assert re.search(
        r"^    the check of .* UTC found 1 rows missing, 0 too many, 2 different$", printed, re.MULTILINE
    )
    assert re.search(
        r"^    a rebuild was asked for at .* UTC, and no worker has begun it$", printed, re.MULTILINE
    )
    assert f"    followed by {this_worker()}, until " in printed
    assert "at position 7: OperationalError: gone\n    tried 1 times, again at " in printed
    assert "No longer registered: old.sales\n" in printed


@under_tags
def test_who_holds_the_head_back_for_too_long_fails(store: Store, settings: Any) -> None:
    follow_all(store.using)
    session = Session(store.using, "holder")
    try:
        session.begin()
        session.run(append, [Deposited("held", 1)], using=store.using)
        append([Deposited("other", 1)], using=store.using)
        code, printed, _ = factos_status(store.using)
        assert code == 0
        assert re.search(rf"^held by  pid {session.pid}\b.*, idle in transaction, ", printed, re.MULTILINE)
        assert re.search(r"^head +0 of [\d,]+$", printed, re.MULTILINE)
        settings.FACTOS_MAX_HELD_SECONDS = 1e-6
        code, _, complaint = factos_status(store.using)
        assert code == 3
        assert f"by pid {session.pid}" in complaint
        holder = json.loads(factos_status(store.using, "--json")[1])["log"]["holder"]
        assert set(holder) == {"position", "pid", "seconds", "state", "application_name", "query"}
    finally:
        session.close()


@on_databases()
def test_json_is_one_object_with_the_same_keys_for_ever(store: Store) -> None:
    append([Transferred("a", "b", 1)], using=store.using)
    stop(entries, Failure(3, uuid4(), "ValueError: no", ""), store.using)
    code, printed, _ = factos_status(store.using, "--json")
    data = json.loads(printed)
    assert code == 3
    assert set(data) == {"database", "log", "projections", "unknown", "effects", "ok", "problems"}
    assert set(data["log"]) == {"head", "position", "events", "is_estimate", "holder", "is_held_too_long"}
    assert set(data["effects"]) == {
        "pending", "running", "done", "dead", "dropped", "oldest_due_seconds", "oldest_dead_since",
    }  # fmt: skip
    assert data["effects"]["dead"] == {"effects": 0, "is_more": False}
    assert (data["ok"], data["problems"]) == (False, ["ledger.entries stopped at position 3: ValueError: no"])
    found = {each["name"]: each for each in data["projections"]}
    assert set(found["ledger.entries"]) == {
        "name",
        "mode",
        "condition",
        "needs_rebuild",
        "position",
        "lag",
        "last_error",
        "parked",
        "worker",
        "leased_until",
        "rebuilt_at",
        "run",
        "parked_is_more",
        "asked",
        "last_run",
    }
    assert set(found["ledger.entries"]["last_error"]) == {
        "position",
        "event",
        "error",
        "since",
        "attempts",
        "next_attempt_at",
    }
    assert set(found["ledger.turnovers"]["lag"]) == {"events", "is_more", "seconds"}


@on_databases()
def test_effects_that_are_due_or_dead_fail_beyond_what_is_allowed(store: Store) -> None:
    row = dead(store.using)
    waiting = notified(store.using)
    code, printed, _ = factos_status(store.using)
    assert code == 0
    assert "effects  1 pending, 0 running, 0 done, 1 dead, 0 dropped\n" in printed
    assert re.search(r"^due +for \d+ s, the oldest$", printed, re.MULTILINE)
    assert f"dead     since {row.finished_at:%Y-%m-%d %H:%M:%S} UTC, the oldest\n" in printed
    assert factos_status(store.using, "--max-age", "1h", "--max-dead", "1")[0] == 0
    code, _, complaint = factos_status(store.using, "--max-age", "0s", "--max-dead", "0")
    assert code == 3
    late, lost = complaint.splitlines()
    assert re.fullmatch(r"An effect has been due for \d+ s, of 0 s allowed", late)
    assert lost == "1 effect is dead, of 0 allowed: manage.py factos_effects list --state dead"
    for each in (row, waiting):
        drop(each.pk, reason="no", using=store.using)
    assert factos_status(store.using, "--max-age", "0s", "--max-dead", "0")[0] == 0


@pytest.mark.parametrize("arguments", ["--max-age=30", "--max-dead=-1", "--max-dead=x"])
def test_an_age_or_a_number_of_dead_that_is_none_is_a_usage_error(arguments: str) -> None:
    with pytest.raises(CommandError, match="argument --max-"):
        call_command("factos_status", arguments)


@pytest.mark.parametrize("wrong", ["-1", "-1s", "many", "1.5", "nans", "infs", "s", ""])
def test_a_lag_that_is_neither_events_nor_seconds_is_a_usage_error(wrong: str) -> None:
    with pytest.raises(CommandError, match="argument --max-lag"):
        call_command("factos_status", f"--max-lag={wrong}")


@pytest.mark.parametrize("arguments", [["--max-lag", "many"], ["--database", "nowhere"], ["--what"]])
def test_the_exit_code_of_a_usage_error_is_2(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "factos_status", *arguments])
    assert ended.value.code == 2
    assert "usage: manage.py factos_status" in capsys.readouterr().err


@on_databases("default")
def test_a_database_without_tables_is_a_refusal_with_advice(store: Store, tmp_path: Any) -> None:
    with empty_database(store.using, tmp_path):
        code, printed, complaint = factos_status(store.using)
    assert (code, printed) == (1, "")
    assert "migrate --database default" in complaint
