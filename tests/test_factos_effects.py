"""``manage.py factos_effects``: what it says, what it does, and how it exits."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line

from factos_django.core.delivery import effect_key
from factos_django.models import EffectAction
from tests.children import manage
from tests.effects.outboxes import attempt, billed, dead, effects, finished, notified, once_dead
from tests.scratch import empty_database
from tests.stores import on_databases


def command(using, *arguments):
    """Its exit code, what it prints, and what it complains of."""
    out = StringIO()
    try:
        subcommand, *others = arguments
        call_command("factos_effects", subcommand, *others, "--database", using, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def as_json(using, *arguments):
    return json.loads(command(using, *arguments, "--json")[1])


def answering(monkeypatch, answer):
    """Somebody at a terminal, who answers; return what he is asked."""
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or answer)
    return asked


# list and show


@on_databases()
def test_list_is_a_table_of_those_that_are_meant_the_newest_first(store):
    first, second = billed(store.using, "fine", "fine")
    third = dead(store.using, "fails 4")
    code, said, _ = command(store.using, "list")
    header, *lines = said.splitlines()
    assert (code, header.split()) == (0, ["ID", "STATE", "EFFECT", "POSITION", "ATTEMPTS", "WHEN", "ERROR"])
    assert [int(line.split()[0]) for line in lines] == [third.pk, second.pk, first.pk]
    assert lines[0].split()[1:5] == ["dead", "parcels.Notify", str(third.position), "4"]
    assert lines[0].endswith("OSError: attempt 4 failed")
    assert f"from {first.available_at:%Y-%m-%d %H:%M:%S}" in lines[2]
    assert command(store.using, "list", "--state", "running") == (0, "No effect.\n", "")
    assert command(store.using, "list", "--limit", "2")[1].endswith("There are more than --limit 2.\n")


@on_databases()
def test_list_takes_every_filter_and_has_json(store):
    first, second = billed(store.using, "fine", "fine")
    third = dead(store.using)
    finished(store.using, 1, timedelta(days=2))

    def found(*arguments):
        return [each["id"] for each in as_json(store.using, "list", *arguments)]

    assert found("--state", "dead") == found("--reactor", "parcels.notify") == [third.pk]
    assert found("--name", "parcels.Bill", "--limit", "1") == [second.pk]
    assert found("--ordering-key", "renata") == [second.pk, first.pk]
    assert found("--event", str(first.event_id)) == found("--position", str(first.position)) == [first.pk]
    assert found("--event", str(uuid4())) == []
    assert found("--newer-than", "1d") == [third.pk, second.pk, first.pk]
    assert len(found("--older-than", "47h")) == 1
    (told,) = as_json(store.using, "list", "--state", "dead")
    assert set(told) == {
        "id", "state", "name", "version", "reactor", "event_id", "position", "key", "ordering_key", "holds",
        "attempts", "publications", "worker", "error", "created_at", "available_at", "publish_at",
        "published_at", "leased_until", "failed_at", "finished_at",
    }  # fmt: skip
    assert datetime.fromisoformat(told["finished_at"]) == third.finished_at


@on_databases()
def test_show_tells_all_that_is_known_of_one(store):
    row = dead(store.using, "fails 9")
    command(store.using, "retry", str(row.pk), "--actor", "ana", "--reason", "mended")
    attempt(row, store.using)
    told = as_json(store.using, "show", str(row.pk))
    assert told["effect_key"] == effect_key(row.reactor, row.event_id, row.name, row.key)
    assert told["data"] == {"parcel": "p", "goes": "fails 9"}
    assert told["traceback"].startswith("Traceback")
    (action,) = told["actions"]
    assert (action["action"], action["actor"], action["reason"]) == ("retry", "ana", "mended")
    code, said, _ = command(store.using, "show", str(row.pk))
    assert code == 0
    assert told["effect_key"] in said
    assert 'data          {"parcel": "p", "goes": "fails 9"}\n' in said
    assert "retry of a dead one by ana: mended\n" in said
    assert "OSError: attempt 5 failed" in said.splitlines()[-1]
    code, said, complaint = command(store.using, "show", str(row.pk + 1))
    assert (code, said) == (1, "")
    assert f"no effect {row.pk + 1}" in complaint


# retry


@on_databases()
def test_retry_of_some_goes_on_past_one_that_is_refused(store):
    row, fine = dead(store.using), notified(store.using)
    attempt(fine, store.using)
    code, said, complaint = command(store.using, "retry", str(fine.pk), str(row.pk), str(row.pk))
    assert (code, said) == (1, "1 effect due now.\n")
    assert complaint == f"Effect {fine.pk} is done, so there is nothing to retry."
    assert attempt(row, store.using).outcome.value == "delivered"
    told = as_json(store.using, "retry", str(fine.pk))
    assert told == {
        "retried": 0,
        "errors": [{"id": fine.pk, "error": "EffectFinished", "message": complaint}],
    }


@on_databases("default")
def test_the_actor_on_record_is_the_user_of_the_machine_unless_another_is_named(store, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "renata")
    row = dead(store.using)
    command(store.using, "retry", str(row.pk))
    command(store.using, "drop", str(row.pk), "--reason", "no", "--actor", "ana")
    assert list(EffectAction.objects.order_by("pk").values_list("actor", flat=True)) == ["renata", "ana"]


@on_databases("default")
def test_a_machine_that_has_no_name_for_its_user_is_no_failure(store, monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert command(store.using, "retry", str(dead(store.using).pk))[0] == 0
    assert EffectAction.objects.get().actor == ""


@on_databases()
def test_retry_takes_those_behind_it_with_it(store):
    rows = billed(store.using, "fails 4", "fails 4")
    for row in rows:
        once_dead(row, store.using)
    assert command(store.using, "retry", str(rows[0].pk), "--behind")[:2] == (0, "2 effects due now.\n")


@on_databases()
def test_retry_of_all_asks_a_person_and_without_one_wants_to_be_told(store, monkeypatch):
    for _ in range(3):
        dead(store.using)
    once_dead(billed(store.using, "fails 4")[0], store.using)
    meant = ("retry", "--all", "--state", "dead", "--name", "parcels.Notify")
    code, _, complaint = command(store.using, *meant)
    assert code == 2
    assert "--no-input" in complaint
    asked = answering(monkeypatch, "n")
    assert command(store.using, *meant) == (1, "", "Nothing was done.")
    assert asked == [f"Have 3 effects (dead) in database {store.using!r} tried again? [y/N] "]
    assert effects(store.using).filter(state="dead").count() == 4
    answering(monkeypatch, "y")
    assert command(store.using, *meant, "--limit", "1")[:2] == (0, "1 effect due now.\n")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert command(store.using, *meant, "--no-input")[:2] == (0, "2 effects due now.\n")
    assert as_json(store.using, "retry", "--all", "--no-input") == {"retried": 1}
    assert command(store.using, "retry", "--all", "--no-input")[:2] == (0, "0 effects due now.\n")


@on_databases("default")
@pytest.mark.parametrize(
    "arguments",
    [["retry"], ["retry", "1", "--all"], ["retry", "1", "--name", "x"], ["retry", "1", "--limit", "2"],
     ["retry", "--all", "--behind"]],
)  # fmt: skip
def test_what_contradicts_itself_is_a_wrong_usage(store, arguments):
    assert command(store.using, *arguments)[0] == 2


# drop


@on_databases()
def test_drop_needs_a_reason_and_keeps_it(store):
    row, other = dead(store.using), notified(store.using)
    code, _, complaint = command(store.using, "drop", str(row.pk), "--reason", " ")
    assert code == 1
    assert "for a reason only" in complaint
    ids = (str(row.pk), str(other.pk))
    assert command(store.using, "drop", *ids, "--reason", "sold twice")[:2] == (0, "2 effects dropped.\n")
    assert [each.state for each in effects(store.using)] == ["dropped", "dropped"]
    reasons = EffectAction.objects.using(store.using).values_list("reason", flat=True)
    assert list(reasons) == ["sold twice"] * 2
    assert command(store.using, "drop", *ids, "--reason", "again")[0] == 1


# prune


@on_databases()
def test_prune_removes_what_is_older(store):
    finished(store.using, 3, timedelta(days=40))
    finished(store.using, 2, timedelta(hours=13))
    assert command(store.using, "prune")[:2] == (0, "3 effects removed.\n")
    assert as_json(store.using, "prune", "--older-than", "12h") == {"removed": 2}


# Usage


@pytest.mark.parametrize("wrong", ["30", "d", "-1d", "1w", "1e3s", "", "99999999999d", "3000000d"])
def test_what_is_no_duration_is_a_wrong_usage(wrong):
    with pytest.raises(CommandError, match="argument --older-than"):
        call_command("factos_effects", "prune", f"--older-than={wrong}")


@pytest.mark.parametrize(
    "arguments",
    [[], ["list", "--state", "lost"], ["list", "--limit", "0"], ["list", "--event", "7"], ["show", "x"],
     ["drop", "1"], ["retry", "--all", "--state", "done"], ["show", str(2**63)],
     ["list", "--database", "no"]],
)  # fmt: skip
def test_the_exit_code_of_a_wrong_usage_is_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "factos_effects", *arguments])
    assert ended.value.code == 2
    assert "usage: manage.py factos_effects" in capsys.readouterr().err


@on_databases("default")
def test_a_database_without_tables_is_a_refusal_with_advice(store, tmp_path):
    with empty_database(store.using, tmp_path):
        for arguments in (["list"], ["retry", "1"], ["prune"]):
            code, _, complaint = command(store.using, *arguments)
            assert code == 1
            assert "migrate --database default" in complaint


@on_databases("postgres")
def test_the_process_exits_as_it_should(store):
    row = dead(store.using)
    done = manage("factos_effects", "retry", str(row.pk), "--database", store.using, "--json")
    assert (done.returncode, json.loads(done.stdout)["retried"]) == (0, 1)
    refused = manage("factos_effects", "show", str(row.pk + 1), "--database", store.using)
    assert refused.returncode == 1
    asks = manage("factos_effects", "retry", "--all", "--database", store.using)
    assert asks.returncode == 2
