"""docs/reference/settings.md tells each setting, its default, its type and its unit as the code has them."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import pytest

from factos_django import conf
from factos_django.conf import PREFIX, Defaults, refusal
from tests.docs.pages import text_of
from tests.reference.tables import names_in, rows_of

ROWS = {
    names_in(row["setting"])[0].removeprefix(PREFIX): row
    for row in rows_of(text_of("reference/settings"), "setting")
    if "default" in row
}
NAMES = [name for name in vars(Defaults) if name.isupper()]

#: What a type in the table admits, and what not.
TYPES: dict[str, tuple[list[Any], list[Any]]] = {
    "whole number": ([1, 7], [0.5, "7", True]),
    "number": ([1, 0.5], ["7", True]),
    "a guard, or a mapping of aliases to guards": (["auto", "log", "tags", {"default": "log"}], ["row", 1]),
    "`True` or `False`": ([True, False], [1, "yes"]),
    "path of a class": (["shows.permissions.OwnShows"], [1, None]),
    "`True`, `False` or a collection of names": ([True, False, ["Noted"], {"Noted"}], ["Noted", 1]),
}


def units() -> dict[str, str]:
    """The unit of each setting, as the comment above its default says it."""
    source = inspect.getsource(Defaults)
    said = re.findall(r"((?: +#: .*\n)+) +([A-Z_]+): (?:int|float) =", source)
    return {name: re.findall(r"\(([a-z]+)[,)]", comment)[-1] for comment, name in said}


def kind(row: dict[str, str]) -> tuple[str, str]:
    """The unit (none for what is no number) and the type that a row tells."""
    found = re.fullmatch(r"(\w+) \((whole number|number)\)", row["type"])
    return (found[1], found[2]) if found else ("", row["type"])


def test_each_setting_has_a_row_and_each_row_is_of_a_setting() -> None:
    assert sorted(ROWS) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_is_that_of_the_code(name: str) -> None:
    (told,) = names_in(ROWS[name]["default"])
    assert ast.literal_eval(told) == getattr(Defaults, name)


@pytest.mark.parametrize("name", NAMES)
def test_the_type_admits_and_refuses_what_the_code_does(name: str) -> None:
    admitted, refused = TYPES[kind(ROWS[name])[1]]
    assert [value for value in admitted if refusal(name, value)] == []
    assert [value for value in refused if not refusal(name, value)] == []


def test_the_unit_is_that_of_the_comment_beside_the_default() -> None:
    assert len(units()) > 10
    assert {name: kind(row)[0] for name, row in ROWS.items() if kind(row)[0]} == units()


def test_the_longest_wait_is_told() -> None:
    assert f"up to {conf._LONGEST_WAIT:,}." in text_of("reference/settings")
