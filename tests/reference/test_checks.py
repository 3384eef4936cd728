"""docs/reference/checks.md tells each check that the code can make, and with which command it is made."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from factos_django import checks
from tests.docs.pages import text_of
from tests.reference.tables import names_in, rows_of

ROWS = {names_in(row["id"])[0]: row for row in rows_of(text_of("reference/checks"), "id")}
ID = re.compile(r"factos\.[EW]\d{3}")
COMMANDS = {
    "check_settings": "every command",
    "check_api": "every command",
    "check_database": "check --database",
}


@cache
def functions() -> dict[str, ast.AST]:
    """What the package of checks defines, by name: functions, and the tables that they walk."""
    found: dict[str, ast.AST] = {}
    for path in Path(inspect.getfile(checks)).parent.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {each.id: node for each in targets if isinstance(each, ast.Name)}
    return found


def ids_from(name: str, seen: set[str]) -> Iterator[str]:
    """The ids in the code of ``name``, and in all that it names."""
    if name in seen or name not in functions():
        return
    seen.add(name)
    for node in ast.walk(functions()[name]):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ID.fullmatch(node.value):
            yield node.value
        elif isinstance(node, ast.Name):
            yield from ids_from(node.id, seen)


def made_with() -> dict[str, set[str]]:
    """With which commands each id is made."""
    made: dict[str, set[str]] = {}
    for name, command in COMMANDS.items():
        for id in ids_from(name, set()):
            made.setdefault(id, set()).add(command)
    return made


def test_each_check_has_a_row_and_each_row_is_of_a_check() -> None:
    assert sorted(ROWS) == sorted(made_with())


@pytest.mark.parametrize("id", sorted(ROWS))
def test_the_row_says_with_which_command_it_is_made(id: str) -> None:
    told = {each.strip().strip("`") for each in ROWS[id]["runs with"].split(",")}
    assert told == made_with()[id]


def test_the_id_tells_an_error_from_a_warning() -> None:
    calls = [node for tree in functions().values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    levels = {"Error": "E", "Warning": "W"}
    made = [
        (levels[call.func.id], str(keyword.value.value))
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in levels
        for keyword in call.keywords
        if keyword.arg == "id" and isinstance(keyword.value, ast.Constant)
    ]
    assert len(made) > 15
    assert [id for level, id in made if not id.startswith(f"factos.{level}")] == []


def test_the_docstring_of_the_package_names_them_all() -> None:
    told = set(re.findall(r"[EW]\d{3}", checks.__doc__ or ""))
    assert told == {id.removeprefix("factos.") for id in ROWS}


def test_ids_stand_in_their_order_below_the_right_heading() -> None:
    ids = list(ROWS)
    assert ids == sorted(ids)
    text = text_of("reference/checks")
    assert text.index("## Errors") < text.index("`factos.E001`") < text.index("## Warnings")
    assert text.index("`factos.E009`") < text.index("## Warnings") < text.index("`factos.W001`")
