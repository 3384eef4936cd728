"""The command: what it says, and how it exits."""

import json
import os
import pty
import subprocess
import sys
import termios
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from factos_django import InvalidBatchSize
from factos_django.projections import catch_up, rebuilding
from factos_django.projections.rebuilding.runs import begin, end
from factos_django.registry import PROJECTIONS
from factos_django.store import append, head
from tests.ledger.domain import Deposited, Transferred
from tests.ledger.models import Balance
from tests.oddities.facts import Seated, declared, desks
from tests.projections.ledgers import failing_at, in_place
from tests.stores import on_databases

on_sqlite = on_databases("default")


def command(*args, using="default", **options):
    """Run it; return its exit code, and what it wrote."""
    out, err = StringIO(), StringIO()
    try:
        call_command("rebuild_projections", *args, database=using, stdout=out, stderr=err, **options)
        code = 0
    except SystemExit as exit:
        code = exit.code
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return code, out.getvalue(), err.getvalue()


def unusable():
    def fails(recorded):
        raise ValueError("no")

    return failing_at(fails)


def harmed(using="default"):
    append([Deposited("a", 1), Deposited("b", 1), Transferred("a", "b", 1)], using=using)
    with connections[using].cursor() as cursor:
        cursor.execute("UPDATE ledger_balance SET amount = 7 WHERE account = 'b'")


@on_databases()
def test_it_checks_and_puts_right(store):
    using = store.using
    harmed(using)
    code, said, _ = command("ledger.balances", "--check", using=using)
    assert code == 1
    assert "0 missing, 0 extra, 1 different" in said
    assert "different b: is {'amount': 7}, should be {'amount': 2}" in said
    code, said, _ = command("ledger.balances", "--no-input", "--batch-size", "1", using=using)
    assert code == 0
    assert "3 events" in said
    assert "put right" in said
    assert command("ledger.balances", "--check", using=using)[0] == 0
    assert Balance.objects.using(using).get(account="b").amount == 2


@on_databases()
def test_all_of_them_are_gone_through_and_one_that_is_refused_keeps_nobody_from_the_others(store):
    using = store.using
    harmed(using)
    run = begin("ledger.balances", using, checks=False)
    code, said, errors = command("--all", "--check", using=using)
    assert code == 1
    assert "Projection 'ledger.balances' is being rebuilt or checked by" in errors
    names = [each.name for each in PROJECTIONS if each.takes_part(using) and each.name != "ledger.balances"]
    assert all(f"{name}: " in said for name in names)
    end(run)


@on_sqlite
def test_json_tells_everything(store):
    harmed()
    catch_up("ledger.followed_balances")
    with in_place(unusable()):
        code, said, _ = command("ledger.balances", "ledger.followed_balances", "--check", "--json")
    assert code == 1
    first, second = json.loads(said)["projections"]
    assert first["counts"] == {"missing": 0, "extra": 0, "different": 1}
    (row,) = first["sample"]
    assert (row["kind"], row["key"], row["should_be"]) == ("different", ["b"], {"amount": 2})
    assert (first["is_right"], first["events"]) == (False, 3)
    assert (second["name"], second["error"]) == ("ledger.followed_balances", "RebuildFailed")


@on_sqlite
def test_a_name_that_is_unknown_is_a_wrong_usage_and_nothing_is_done(store):
    harmed()
    code, _, errors = command("ledger.balances", "ledger.nothing")
    assert code == 2
    assert "'ledger.nothing'" in errors
    assert Balance.objects.get(account="b").amount == 7


@on_databases()
def test_what_the_database_refuses_is_told_and_keeps_nobody_from_the_others(store):
    using = store.using
    with declared(desks):
        append([Seated("x", 1, "ada"), Seated("x", 2, "ada")], using=using)
        code, said, errors = command("oddities.desks", "ledger.balances", using=using)
    assert code == 1
    assert "label" in errors
    assert "ledger.balances: " in said


@on_sqlite
def test_who_interrupts_it_is_told_that_the_rows_are_as_they_were(store):
    harmed()

    def interrupted(recorded):
        raise KeyboardInterrupt

    with in_place(failing_at(interrupted)):
        code, _, errors = command("ledger.followed_balances")
    assert code == 130
    assert "as they were" in errors
    assert command("ledger.followed_balances", "--check")[0] == 0


@on_sqlite
def test_all_of_none_is_nothing_even_at_a_terminal(store, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    monkeypatch.setattr("factos_django.management.commands.rebuild_projections.PROJECTIONS", [])
    assert command("--all") == (0, "", "")


@on_sqlite
@pytest.mark.parametrize("args", [(), ("ledger.balances", "--all")])
def test_names_or_all_have_to_be_given(store, args):
    code, _, errors = command(*args)
    assert code == 2
    assert "--all" in errors


@on_sqlite
def test_a_tag_and_a_handler(store):
    harmed()
    assert command("ledger.balances", "--tag", "account:b")[0] == 0
    code, _, errors = command("ledger.entries", "--tag", "account:b")
    assert code == 1
    assert "which rows of the handler" in errors


@on_sqlite
def test_somebody_at_a_terminal_is_asked(store, monkeypatch):
    harmed()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked = []

    def answering(answer):
        monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or answer)

    answering("n")
    code, _, errors = command("ledger.balances")
    assert (code, errors) == (1, "Nothing was done.")
    assert Balance.objects.get(account="b").amount == 7
    answering("y")
    assert command("ledger.balances")[0] == 0
    assert Balance.objects.get(account="b").amount == 2
    assert "ledger.balances again in database 'default'" in asked[0]
    command("ledger.balances", "--check")
    command("ledger.balances", "--no-input")
    assert len(asked) == 2


@on_sqlite
def test_it_says_now_and_then_how_far_it_is_where_there_is_no_terminal(store, monkeypatch):
    harmed()
    last = head()
    monkeypatch.setattr("factos_django.management.commands.rebuild_projections._LINE_EVERY", 0)
    _, _, errors = command("ledger.balances", "--batch-size", "1")
    assert "ledger.balances: 2 events" in errors
    assert f"at {last} of {last}" in errors
    assert command("ledger.balances", verbosity=0)[1:] == ("", "")


def in_a_terminal(*args):
    """Run it in a process whose standard error is a terminal; return exit status and what that showed."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    source = (
        "import sys, django; django.setup(); from django.db import connections; "
        f"connections['default'].settings_dict['NAME'] = {connections['default'].settings_dict['NAME']!r}; "
        "from django.core.management import execute_from_command_line as run; run(sys.argv)"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "COLUMNS": "100"}
    running = subprocess.Popen(
        [sys.executable, "-c", source, "rebuild_projections", *args],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    said, shown = running.communicate()[0].decode(), b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return running.returncode, said, shown.decode()


@on_sqlite
def test_a_terminal_shows_a_bar_with_the_rate_and_the_time_that_is_left(store):
    harmed()
    code, said, shown = in_a_terminal("ledger.balances", "--batch-size", "1")
    assert code == 0, shown
    assert "put right" in said
    assert "ledger.balances 100%|" in shown
    assert f"| at {head()} of {head()}, " in shown
    assert " events/s [" in shown
    assert "<00:00]" in shown
    assert in_a_terminal("ledger.balances", "--batch-size", "0")[0] == 2
    assert in_a_terminal("ledger.balances", "--tag", "")[0] == 2
    assert rebuilding.check("ledger.balances").is_right


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
def test_a_batch_has_a_whole_number_of_events_from_one(size):
    with pytest.raises(InvalidBatchSize, match="1 or more"):
        rebuilding.rebuild("ledger.balances", batch_size=size)
