"""docs/reference/python.md tells what each module exports, with the signatures of today."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils.module_loading import import_string

from factos_django.core.explained import Explained
from tests.docs.pages import text_of
from tests.reference.tables import names_in, rows_of, section
from tests.test_public_api import TABLE

PAGE = text_of("reference/python")
MODULES = re.findall(r"^## (factos_django[\w.]*)$", PAGE, re.MULTILINE)

#: What modules export to other modules of the package, and nobody else needs.
INNER = {
    "factos_django.dispatch": {"digest_of"},
    "factos_django.effects": {"Backoff", "Delivery", "Fatal", "RetryLater"},  # which the root exports
    "factos_django.models": {
        *("EffectAction", "Gate", "IdempotencyKey", "LogGuard", "ProjectionRun", "ProjectionState"),
    },
    "factos_django.models.fields": {"MomentField"},
    "factos_django.signals": {"tell"},
    "factos_django.tasks": {
        *("catch_up_task", "check_projection_task", "nudge", "nudge_effects", "prune_effects_task"),
        *("rebuild_projection_task", "relay_effects_task", "remember_current"),
    },
    "factos_django.beat": {
        *("CATCH_UP_TASK", "CHECK_PROJECTION_TASK", "PRUNE_EFFECTS_TASK", "REBUILD_PROJECTION_TASK"),
        "RELAY_EFFECTS_TASK",
    },
    "factos_django.status": {
        *("Asked", "EffectCount", "EffectsStatus", "Holder", "Lag", "LastError", "LastRun", "LogStatus"),
        *("Minute", "ProjectionStatus", "Rate", "Run", "Runs", "effects_status", "enough_for", "health_of"),
        *("log_status", "projection_runs", "projection_status", "projection_statuses", "recent_rate"),
        *("rows_position", "unknown_projections"),
    },
}


def told(module: str) -> Iterator[tuple[str, str]]:
    """The names of a module on the page, each with its signature, or nothing."""
    for row in rows_of(section(PAGE, f"## {module}"), "name"):
        for each in names_in(row["name"]):
            name, bracket, rest = each.partition("(")
            yield name, bracket + rest


def exported(module: str) -> set[str]:
    found: Any = importlib.import_module(module)
    names = {name for name in found.__all__ if not is_error(getattr(found, name))}
    return names - INNER.get(module, set())


def is_error(thing: object) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Explained)


def bare(thing: Any) -> str:
    """The signature, without its types."""
    signature, empty = inspect.signature(thing), inspect.Parameter.empty
    parameters = [each.replace(annotation=empty) for each in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=empty))


@pytest.mark.parametrize("module", MODULES)
def test_the_names_of_the_page_are_those_that_the_module_exports(module: str) -> None:
    names = [name for name, _ in told(module)]
    assert sorted(names) == sorted(exported(module))


@pytest.mark.parametrize("module", MODULES)
def test_the_signatures_are_those_of_the_code(module: str) -> None:
    found = importlib.import_module(module)
    for name, signature in told(module):
        if signature:
            assert signature == bare(getattr(found, name)), name


def test_functions_are_told_with_their_signatures() -> None:
    for module in MODULES:
        found = importlib.import_module(module)
        without = [name for name, signature in told(module) if not signature]
        assert [name for name in without if inspect.isfunction(getattr(found, name))] == []


def test_what_is_inner_is_exported_all_the_same() -> None:
    for module, names in INNER.items():
        assert names <= set(importlib.import_module(module).__all__)


def test_every_module_of_the_import_table_has_a_section() -> None:
    paths = {each.rpartition(".")[0] for row in rows_of(PAGE, "name") for each in names_in(row["name"])}
    assert set(TABLE) <= set(MODULES) | paths


def test_dotted_paths_lead_somewhere() -> None:
    rows = rows_of(section(PAGE, "## Named by their dotted paths"), "name")
    paths = [names_in(row["name"])[0] for row in rows]
    for path in paths:
        try:
            importlib.import_module(path)
        except ImportError:
            assert callable(import_string(path))
    assert "factos_django.rest_framework.urls" in paths
