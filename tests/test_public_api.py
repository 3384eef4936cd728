"""The import table of the design, as far as it is built."""

import importlib
import importlib.util
import pkgutil
import subprocess
import sys

import pytest

import factos_django
from demo_project.settings import BASE_DIR

ROOT = [
    "event_type",
    "effect_type",
    "upcaster",
    "Query",
    "QueryItem",
    "AppendCondition",
    "Decider",
    "View",
    "Reactor",
    "Recorded",
    "Proposed",
    "Context",
    "Deliver",
    "Metadata",
    "DomainError",
    "AppendConditionFailed",
    "DecodeError",
    "UnknownEventType",
    "UnregisteredEvent",
    "RetryTransaction",
    "StoreBusy",
    "ProjectionError",
    "UnstorableState",
    "IdempotencyKeyReused",
    "EventIdReused",
    "compute_events",
    "compute_state",
    "decide_context",
    "project",
    "project_from",
    "merge_views",
    "react",
    "react_all",
    "merge_reactors",
    "fields_of",
]

TABLE = {
    "factos_django": ROOT,
    "factos_django.dispatch": ["dispatch", "adispatch", "retrying", "stamp", "Dispatched"],
    "factos_django.store": ["append", "read", "read_context", "head", "aappend", "aread"],
    "factos_django.models": ["Event", "Tag", "Effect", "ProjectionModel"],
    "factos_django.models.fields": ["ExactCharField"],
    "factos_django.projections": ["projection", "projection_handler", "catch_up", "wait_for"],
    "factos_django.effects": ["reactor"],
    "factos_django.tasks": ["effect_task", "ask_to_rebuild", "ask_to_check"],
    "factos_django.status": ["health", "status"],
    "factos_django.signals": [
        "events_recorded",
        "append_rejected",
        "projection_stopped",
        "projection_rebuilt",
        "effect_delivered",
        "effect_failed",
        "effect_dead",
    ],
    "factos_django.beat": ["beat_schedule"],
    "factos_django.testing": [
        "given",
        "run_projections",
        "deliver_effects",
        "pending_effects",
        "InMemoryLog",
        "StoreContract",
        "assert_sound_context",
        "simulate",
        "CommandKind",
        "Invariant",
        "Run",
        "SimulationFailed",
    ],
    "factos_django.middleware": ["StampMiddleware"],
    "factos_django.rest_framework": ["ApiPermissions", "CommandAPIView", "CommandMixin", "CommandSchema"],
    "factos_django.admin": ["EventAdmin", "TagAdmin", "ProjectionAdmin", "EffectAdmin"],
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in TABLE for name in TABLE[module]])
def test_this_name_is_imported_from_this_module_and_said_to_be_public(module, name):
    found = importlib.import_module(module)
    assert hasattr(found, name)
    assert name in found.__all__


def all_modules():
    return [
        "factos_django",
        *(each.name for each in pkgutil.walk_packages(factos_django.__path__, "factos_django.")),
    ]


def test_every_module_is_looked_at():
    assert {"factos_django.core.query", "factos_django.dispatch", "factos_django.apps"} <= set(all_modules())


@pytest.mark.parametrize("module", [name for name in all_modules() if ".migrations" not in name])
def test_what_a_module_says_is_public_is_there_once_and_sorted(module):
    found = importlib.import_module(module)
    public = list(getattr(found, "__all__", []))
    assert [name for name in public if not hasattr(found, name)] == []
    assert public == sorted(set(public), key=kind_and_name)


def kind_and_name(name):
    """Constants, then classes, then functions, as ruff sorts them."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


def test_the_root_exports_no_name_that_is_also_a_module():
    modules = {each.name for each in pkgutil.iter_modules(factos_django.__path__)}
    assert "dispatch" in modules
    assert modules.isdisjoint(factos_django.__all__)


def test_the_root_exports_what_the_core_exports_and_nothing_else():
    assert factos_django.__all__ == factos_django.core.__all__
    for name in factos_django.__all__:
        assert getattr(factos_django, name) is getattr(factos_django.core, name)


def test_nothing_that_the_root_exports_was_made_outside_of_the_core():
    for name in factos_django.__all__:
        made_in = getattr(getattr(factos_django, name), "__module__", "factos_django.core")
        assert made_in.startswith("factos_django.core") or made_in in {
            "typing",
            "types",
            "collections.abc",
        }, name


def test_importing_the_root_imports_no_django():
    script = "import factos_django, sys; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    assert "'factos_django'" in done.stdout
    for module in ("django", "celery", "rest_framework", "asgiref"):
        assert f"'{module}'" not in done.stdout


def test_the_package_tells_type_checkers_that_it_is_typed():
    spec = importlib.util.find_spec("factos_django")
    assert spec.origin is not None
    assert (BASE_DIR / "factos_django" / "py.typed").exists()
