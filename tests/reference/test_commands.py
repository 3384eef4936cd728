"""docs/reference/commands.md: its examples print what it shows, its options and exit codes are the code's."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import BaseCommand
from django.core.management.commands.flush import Command as DjangoFlush

from demo_project.settings import BASE_DIR
from factos_django import management
from factos_django.management import exit_codes
from tests.docs.pages import text_of
from tests.reference.tables import names_in, rows_of, section

PAGE = text_of("reference/commands")
COMMANDS = sorted(path.stem for path in Path(management.__path__[0], "commands").glob("[a-z]*.py"))

Steps = list[str | list[str]]


def play(directory: Path, steps: Steps, **variables: str) -> list[tuple[int, str]]:
    """What came of each command among ``steps``, in a new copy of the project."""
    shutil.copytree(Path(__file__).parent / "project", directory)
    foreign = ("PYTEST_", "DJANGO_", "FACTOS_", "COV_", "PYTHON", "DATABASE_URL", "CELERY_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(
        [sys.executable, "play.py"],
        cwd=directory,
        env=environment
        | {"PYTHONPATH": str(BASE_DIR), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "80"}
        | variables,
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [(code, printed) for code, printed in json.loads(done.stdout)]


def examples() -> list[tuple[str, str]]:
    """The commands of the page with what they print, in its order."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    return [
        (command, printed)
        for block in blocks
        for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


#: What differs from one time to the next.
VARYING = {
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( UTC|\+00:00)?": "<moment>",
    r"[0-9a-f]{8}-[0-9a-f-]{27}": "<uuid>",
    r"\b\d+(\.\d+)? s\b": "<time>",
}


def lasting(text: str) -> str:
    for pattern, name in VARYING.items():
        text = re.sub(pattern, name, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def is_shown_as(printed: str, shown: str) -> bool:
    """Compare; a line of three dots stands for any lines."""
    parts = (re.escape(part) for part in lasting(shown).split("\n...\n"))
    return re.fullmatch(r"\n(?:.*\n)*".join(parts), lasting(printed)) is not None


def test_the_examples_print_what_the_page_shows(tmp_path: Path) -> None:
    steps: Steps = ["begin"]
    for command, _ in examples():
        if command != "echo $?":
            arguments = shlex.split(command)[2:]
            steps += ["edit_a_row"] if "--check" in arguments else []
            steps.append(arguments)
    outcomes = iter(play(tmp_path / "project", steps))
    code, wrong = 0, []
    for command, shown in examples():
        if command == "echo $?":
            printed = str(code)
        else:
            code, printed = next(outcomes)
        if not is_shown_as(printed, shown):
            wrong.append(f"$ {command}\n{printed}")
    assert not wrong, "\n".join(wrong)
    assert len(steps) > 15


def test_a_command_that_fails_in_an_example_has_its_exit_code_shown() -> None:
    shown = examples()
    for place, (command, printed) in enumerate(shown):
        if "CommandError" in printed:
            assert shown[place + 1][0] == "echo $?", command


# Options


def own_actions(parser: argparse.ArgumentParser, of: str = "") -> Iterator[tuple[str, str, argparse.Action]]:
    """Each option of a command, as the page names it, with the subcommand that it is of."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, each in action.choices.items():
                yield from own_actions(each, name)
            continue
        for name in action.option_strings or [str(action.metavar or action.dest)]:
            yield name, of, action


def options_of(command: str) -> dict[str, set[str]]:
    """The options of a command, each with its subcommands, without those that Django gives to every one."""
    made: BaseCommand = management_command(command)
    common = {name for name, _, _ in own_actions(BaseCommand().create_parser("manage.py", command))}
    if command == "flush":
        common |= {name for name, _, _ in own_actions(DjangoFlush().create_parser("manage.py", command))}
    found: dict[str, set[str]] = {}
    for name, of, _ in own_actions(made.create_parser("manage.py", command)):
        if name not in common:
            found.setdefault(name, set()).add(of)
    return found


def management_command(name: str) -> Any:
    module = __import__(f"factos_django.management.commands.{name}", fromlist=["Command"])
    return module.Command()


def told_options(command: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows_of(section(PAGE, f"## {command}"), "option"):
        for name in names_in(row["option"]):
            found.setdefault(name, set()).update(names_in(row["of"]) if "of" in row else {""})
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_the_command_are_those_of_the_page(command: str) -> None:
    assert told_options(command) == options_of(command)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_default_that_is_a_number_is_told(command: str) -> None:
    texts = {
        name: row["what it does"]
        for row in rows_of(section(PAGE, f"## {command}"), "option")
        for name in names_in(row["option"])
    }
    for name, _, action in own_actions(management_command(command).create_parser("manage.py", command)):
        if name in texts and isinstance(action.default, int) and not isinstance(action.default, bool):
            assert str(action.default) in texts[name], name


# Exit codes

MEANINGS = {"REFUSED": 1, "USAGE": 2, "BEHIND": 3, "INTERRUPTED": 130}

#: For each cell of the table what has happened before, what is run, and where.
SCENES: dict[tuple[str, str], tuple[str, str, str]] = {
    ("run_projections", "1"): ("", "run_projections ticketing.sales", "well"),
    ("run_projections", "2"): ("", "run_projections nobody", "well"),
    ("run_projections", "3"): ("stop_a_projection", "run_projections --once", "well"),
    ("relay_effects", "1"): ("", "relay_effects --once", "without broker"),
    ("relay_effects", "3"): ("", "relay_effects --once", "broker down"),
    ("run_factos", "1"): ("", "run_factos --once", "without broker"),
    ("run_factos", "3"): ("stop_a_projection", "run_factos --once", "well"),
    ("rebuild_projections", "1"): ("edit_a_row", "rebuild_projections --all --check", "well"),
    ("rebuild_projections", "2"): ("", "rebuild_projections", "well"),
    ("factos_projections", "1"): ("", "factos_projections skip ticketing.sales", "well"),
    ("factos_projections", "2"): ("", "factos_projections resume nobody", "well"),
    ("factos_effects", "1"): ("", "factos_effects drop 99 --reason lost", "well"),
    ("factos_effects", "2"): ("", "factos_effects retry 1 --all", "well"),
    ("factos_react", "1"): ("", "factos_react --reactor ticketing.announce", "not migrated"),
    ("factos_react", "2"): ("", "factos_react --reactor nobody", "well"),
    ("factos_status", "1"): ("", "factos_status", "not migrated"),
    ("factos_status", "3"): ("", "factos_status --max-dead 0", "well"),
    ("flush", "1"): ("", "flush --no-input", "well"),
}
PLACES = {
    "well": {},
    "without broker": {"BROKER": ""},
    "broker down": {"BROKER": "redis://127.0.0.1:1/0"},
    "not migrated": {"NAME": "empty.sqlite3"},
}


def test_the_codes_are_those_of_the_table() -> None:
    told = {int(row["exit code"]) for row in rows_of(PAGE, "exit code")}
    assert {name: getattr(exit_codes, name) for name in exit_codes.__all__} == MEANINGS
    assert told == {0, *MEANINGS.values()}


def test_each_command_has_a_row_and_each_cell_a_scene() -> None:
    rows = rows_of(PAGE, "command")
    assert sorted(names_in(row["command"])[0] for row in rows) == COMMANDS
    cells = {(names_in(row["command"])[0], code) for row in rows for code in "123" if row[code]}
    assert cells == set(SCENES)


@pytest.mark.parametrize("place", PLACES)
def test_the_commands_end_with_the_codes_of_the_table(place: str, tmp_path: Path) -> None:
    scenes = {cell: scene for cell, scene in SCENES.items() if scene[2] == place}
    steps: Steps = [] if place == "not migrated" else ["begin"]
    for before, line, _ in sorted(scenes.values(), key=lambda scene: scene[0]):
        steps += [*filter(None, [before]), shlex.split(line)]
    ordered = sorted(scenes, key=lambda cell: scenes[cell][0])
    outcomes = play(tmp_path / "project", steps, **PLACES[place])
    assert [(cell, code) for cell, (code, _) in zip(ordered, outcomes, strict=True)] == [
        (cell, int(cell[1])) for cell in ordered
    ], outcomes
