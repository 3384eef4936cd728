"""docs/reference/errors.md tells each public error, its attributes, and what it becomes over HTTP."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from django.db import OperationalError

import factos_django
from factos_django import DecodeError, DomainError, FactosError, InvalidInput
from factos_django.core.explained import Explained, fields_of
from factos_django.rest_framework import urls
from factos_django.rest_framework.problems import _urn, problem_of
from factos_django.rest_framework.refusals import Refused
from tests.docs.pages import text_of
from tests.reference.tables import names_in, rows_of, section

PAGE = text_of("reference/errors")
ROWS = {names_in(row["error"])[0]: row for row in rows_of(PAGE, "error")}
PUBLIC: dict[str, type[Exception]] = {
    name: each
    for name in factos_django.__all__
    if inspect.isclass(each := getattr(factos_django, name)) and issubclass(each, Exception)
}
EXPLAINED = sorted(name for name, each in PUBLIC.items() if issubclass(each, Explained))


def example(cls: type[Exception]) -> Any:
    """One of these errors; what it says does not matter."""
    names: list[str] = [field.name for field in fields(cls)] if is_dataclass(cls) else []
    return cls(**dict.fromkeys(names, "something"))


def test_each_public_error_has_one_row() -> None:
    assert sorted(ROWS) == sorted(PUBLIC)
    assert len(rows_of(PAGE, "error")) == len(ROWS)


@pytest.mark.parametrize("name", EXPLAINED)
def test_the_attributes_are_those_of_the_class(name: str) -> None:
    if name != "DomainError":
        assert names_in(ROWS[name]["attributes"]) == list(fields_of(example(PUBLIC[name])))


@pytest.mark.parametrize("name", EXPLAINED)
def test_over_rest_it_becomes_what_the_page_says(name: str) -> None:
    status, _, urn = ROWS[name]["over REST"].partition(" ")
    problem = problem_of(example(PUBLIC[name]))
    assert problem.status == int(status)
    assert problem.type == (f"urn:factos:{names_in(urn)[0]}" if urn else "about:blank")


def sections() -> Iterator[tuple[str, str]]:
    """Each error with the base class that the section above it names."""
    for heading in (line for line in PAGE.splitlines() if line.startswith("## ")):
        text = section(PAGE, heading)
        before = names_in(text.split("|", 1)[0])
        yield from ((names_in(row["error"])[0], before[0]) for row in rows_of(text, "error") if before)


def test_an_error_stands_below_its_base_class() -> None:
    bases = dict(sections())
    assert len(bases) > 50
    assert [name for name, base in bases.items() if not issubclass(PUBLIC[name], PUBLIC[base])] == []
    assert issubclass(InvalidInput, ValueError)
    assert issubclass(PUBLIC["UnknownEventType"], DecodeError)
    assert not issubclass(DomainError, FactosError)


def test_only_an_inner_error_is_not_public() -> None:
    inner = {cls.__name__ for cls in below(FactosError) if cls.__module__.startswith("factos_django.")}
    assert inner - set(PUBLIC) == {"LockedAtOnce"}  # is caught as StoreBusy


# What stands on the pages about HTTP


def refusals() -> dict[str, int]:
    """The status of each refusal of the API itself, by the end of its URN."""
    assert urls.urlpatterns  # which have imported all of them
    ours = [cls for cls in below(Refused) if cls.__module__.startswith("factos_django.")]
    found = {_urn(cls).removeprefix("urn:factos:"): cls.status_code for cls in ours}
    return found | {"database-unavailable": problem_of(OperationalError()).status}


def test_the_refusals_of_the_api_are_those_of_the_page() -> None:
    rows = rows_of(PAGE, "type")
    assert {names_in(row["type"])[0]: int(row["status"]) for row in rows} == refusals()


def test_the_page_of_the_api_names_types_with_their_status() -> None:
    known = refusals()
    for name in EXPLAINED:
        problem = problem_of(example(PUBLIC[name]))
        known[problem.type.removeprefix("urn:factos:")] = problem.status
    rows = rows_of(text_of("reference/rest-api"), "status")
    cells = [(row["status"], cell) for row in rows for head, cell in row.items() if "urn:factos:" in head]
    types = [(status, name) for status, cell in cells for name in re.findall("`([a-z]+-[a-z-]+)`", cell)]
    assert len(types) > 15
    assert [(status, name) for status, name in types if status != str(known.get(name))] == []


def below(cls: type[Any]) -> Iterator[type[Any]]:
    for each in cls.__subclasses__():
        yield each
        yield from below(each)
