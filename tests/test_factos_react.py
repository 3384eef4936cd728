"""``manage.py factos_react``: it counts, asks, and writes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line

from demo_project.settings import BASE_DIR
from factos_django.registry import REACTORS
from factos_django.store import append
from tests.children import environment, manage
from tests.effects.outboxes import effects
from tests.parcels.domain import ParcelSent
from tests.scratch import empty_database
from tests.stores import on_databases

NAME = "parcels.notify"


def command(using, *arguments, reactor=NAME):
    """Its exit code, what it prints, and what it complains of."""
    out = StringIO()
    try:
        call_command("factos_react", "--reactor", reactor, *arguments, database=using, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def old_facts(using, number=3):
    """Facts that were recorded before their reactor was there."""
    reactor = REACTORS.named(NAME)
    REACTORS.unregister(NAME)
    try:
        return append([ParcelSent(f"p{n}", "renata") for n in range(number)], using=using)
    finally:
        REACTORS.register(reactor)


@on_databases()
def test_it_counts_first_and_writes_each_effect_once(store):
    *_, last = old_facts(store.using)
    counted = f"3 facts to position {last.position}: 3 effects, 3 new."
    assert command(store.using, "--dry-run") == (0, f"{counted} Written: 0.\n", "")
    assert effects(store.using).count() == 0
    assert command(store.using, "--no-input") == (0, f"{counted} Written: 3.\n", "")
    assert effects(store.using).count() == 3
    again = f"3 facts to position {last.position}: 3 effects, 0 new. Written: 0.\n"
    assert command(store.using, "--no-input") == (0, again, "")
    assert command(store.using) == (0, again, ""), "there is nothing to ask"
    assert effects(store.using).count() == 3


@on_databases()
def test_bounds_are_inclusive_and_it_has_json(store):
    first, second, _ = old_facts(store.using)
    bounds = ("--from", str(second.position), "--to", str(second.position), "--no-input", "--json")
    assert json.loads(command(store.using, *bounds)[1]) == {
        "reactor": NAME, "position": second.position, "upto": second.position, "facts": 1, "effects": 1,
        "new": 1, "written": 1,
    }  # fmt: skip
    told = json.loads(command(store.using, "--to", str(first.position), "--dry-run", "--json")[1])
    assert (told["facts"], told["new"], told["written"]) == (1, 1, 0)


@on_databases("default")
def test_it_asks_a_person_and_without_one_wants_to_be_told(store, monkeypatch):
    *_, last = old_facts(store.using)
    code, _, complaint = command(store.using)
    assert code == 2
    assert "--no-input" in complaint
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    assert command(store.using) == (1, "", "Nothing was done.")
    assert asked[0].startswith(f"3 facts to position {last.position}: 3 effects, 3 new. Write these")
    assert effects(store.using).count() == 0
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert command(store.using)[0] == 0
    assert effects(store.using).count() == 3


@on_databases("default")
def test_what_was_recorded_after_the_count_is_left_to_its_own_append(store, monkeypatch):
    old_facts(store.using)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)

    def answer(question):
        old_facts(store.using, 2)
        return "y"

    monkeypatch.setattr("builtins.input", answer)
    assert command(store.using)[1].endswith("Written: 3.\n")


@on_databases("default")
def test_a_reactor_that_is_unknown_is_a_wrong_usage(store):
    code, _, complaint = command(store.using, reactor="parcels.nobody")
    assert code == 2
    assert "parcels.notify" in complaint


@on_databases("default")
def test_bounds_with_nothing_between_them_are_a_wrong_usage(store):
    assert command(store.using, "--from", "5", "--to", "2")[0] == 2


@pytest.mark.parametrize(
    "arguments", [[], ["--reactor", NAME, "--from", "-1"], ["--reactor", NAME, "--batch-size", "0"]]
)
def test_the_exit_code_of_a_wrong_usage_is_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "factos_react", *arguments])
    assert ended.value.code == 2
    assert "usage: manage.py factos_react" in capsys.readouterr().err


@on_databases("default")
def test_a_database_without_tables_is_a_refusal_with_advice(store, tmp_path):
    with empty_database(store.using, tmp_path):
        code, _, complaint = command(store.using, "--no-input")
    assert code == 1
    assert "migrate --database default" in complaint


@on_databases("postgres")
def test_the_process_exits_as_it_should_and_shows_no_bar_without_a_terminal(store):
    old_facts(store.using)
    done = manage("factos_react", "--reactor", NAME, "--no-input", "--database", store.using)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("3 new. Written: 3.\n")


@on_databases("default")
def test_a_bar_moves_on_a_terminal(store):
    old_facts(store.using)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    arguments = ["--reactor", NAME, "--batch-size", "1", "--no-input", "--database", store.using]
    process = subprocess.run(
        [sys.executable, "manage.py", "factos_react", *arguments],
        cwd=BASE_DIR,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    shown = read_all(ours)
    assert process.returncode == 0, shown
    assert f"{NAME}, counting" in shown
    assert f"{NAME}, writing" in shown


def read_all(terminal):
    shown = b""
    with suppress(OSError):  # the other end is closed
        while part := os.read(terminal, 4096):
            shown += part
    os.close(terminal)
    return shown.decode()
