"""The settings: read when they are used, with defaults, and refused where they cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as project
from django.test import override_settings

from factos_django import InvalidAppend, InvalidSetting
from factos_django.conf import PREFIX, Defaults, conf, refusal
from factos_django.store import append
from factos_django.testing.contract import Counted

NAMES = [name for name in vars(Defaults) if name.isupper()]
NO_NUMBERS = {"GUARD", "CELERY_NUDGE", "API_UNREGISTERED_TYPES", "API_PERMISSIONS"}
NUMBERS = [name for name in NAMES if name not in NO_NUMBERS]
SECONDS = [name for name in NUMBERS if name.endswith("_SECONDS")]
WHOLE_NUMBERS = [name for name in NUMBERS if not name.endswith(("_SECONDS", "_DAYS"))]


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_that_the_project_does_not_have_has_its_default(name: str) -> None:
    assert getattr(conf, name) == getattr(Defaults, name)
    assert refusal(name, getattr(Defaults, name)) == ""


def test_the_defaults_are_those_of_the_design() -> None:
    assert {name: getattr(Defaults, name) for name in NAMES} == {
        "GUARD": "auto",
        "DISPATCH_ATTEMPTS": 5,
        "LOCK_TIMEOUT_SECONDS": 5,
        "MAX_EVENT_BYTES": 262144,
        "MAX_BATCH": 10000,
        "MAX_TAGS": 64,
        "MAX_QUERY_ITEMS": 100,
        "FOLLOW_BATCH": 1000,
        "FOLLOW_LEASE_SECONDS": 60,
        "POLL_SECONDS": 1,
        "MAX_HELD_SECONDS": 30,
        "REBUILD_MEMORY_BYTES": 128 * 2**20,
        "EFFECT_LEASE_SECONDS": 300,
        "EFFECT_RETENTION_DAYS": 30,
        "CELERY_NUDGE": True,
        "API_UNREGISTERED_TYPES": False,
        "API_PERMISSIONS": "factos_django.rest_framework.permissions.ApiPermissions",
        "API_MAX_LIMIT": 1000,
        "FEED_SECONDS": 25,
        "FEED_MAX_CLIENTS": 50,
    }


@pytest.mark.parametrize("name", NUMBERS)
def test_a_setting_is_read_at_each_use(name: str) -> None:
    with override_settings(**{PREFIX + name: 7}):
        assert getattr(conf, name) == 7
        with override_settings(**{PREFIX + name: 8}):
            assert getattr(conf, name) == 8
    assert getattr(conf, name) == getattr(Defaults, name)


def test_what_is_assigned_to_the_settings_after_the_first_use_is_heeded() -> None:
    name = f"{PREFIX}MAX_TAGS"
    with override_settings():  # so that it ends with the test
        assert conf.MAX_TAGS == Defaults.MAX_TAGS
        setattr(project, name, 7)
        assert conf.MAX_TAGS == 7
        setattr(project, name, 8)
        assert conf.MAX_TAGS == 8
        delattr(project, name)
        assert conf.MAX_TAGS == Defaults.MAX_TAGS
    assert conf.MAX_TAGS == Defaults.MAX_TAGS


@pytest.mark.parametrize("value", [0, -1, "7", None, True, [7], float("nan"), float("inf")], ids=repr)
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_cannot_be_is_refused_with_its_name(name: str, value: object) -> None:
    with (
        override_settings(**{PREFIX + name: value}),
        pytest.raises(InvalidSetting, match=rf"{PREFIX}{name} = .* was refused: give a ") as refused,
    ):
        getattr(conf, name)
    assert refused.value.name == PREFIX + name


@pytest.mark.parametrize("name", WHOLE_NUMBERS)
def test_what_is_counted_is_a_whole_number(name: str) -> None:
    assert refusal(name, 1.5) == "give a whole number"


@pytest.mark.parametrize("name", SECONDS)
def test_seconds_may_be_a_fraction_but_not_more_than_postgresql_counts(name: str) -> None:
    assert refusal(name, 0.25) == ""
    assert refusal(name, 2_000_000) == ""
    assert refusal(name, 2_000_001) == "give 2000000 or less"


@pytest.mark.parametrize("value", [0, 1, None, "yes", []], ids=repr)
def test_a_switch_is_on_or_off(value: object) -> None:
    assert refusal("CELERY_NUDGE", True) == refusal("CELERY_NUDGE", False) == ""
    assert refusal("CELERY_NUDGE", value) == "give True or False"


@pytest.mark.parametrize("value", ["auto", "log", "tags", {}, {"default": "log", "other": "auto"}], ids=repr)
def test_the_guard_is_a_name_or_a_mapping_of_aliases_to_names(value: object) -> None:
    assert refusal("GUARD", value) == ""


@pytest.mark.parametrize("value", ["", "Log", None, 1, ["log"], {"default": "row"}], ids=repr)
def test_another_guard_is_refused(value: object) -> None:
    assert refusal("GUARD", value) == "give auto, log or tags"


@pytest.mark.parametrize("value", [True, False, [], ["Noted"], ("Noted",), {"Noted"}], ids=repr)
def test_unregistered_types_are_all_or_none_or_named(value: object) -> None:
    assert refusal("API_UNREGISTERED_TYPES", value) == ""


@pytest.mark.parametrize("value", ["Noted", None, 1], ids=repr)
def test_unregistered_types_are_no_single_name(value: object) -> None:
    assert refusal("API_UNREGISTERED_TYPES", value) == "give True, False or a list of event type names"


def test_an_impossible_setting_stops_the_append_that_needs_it(settings: Any) -> None:
    settings.FACTOS_MAX_BATCH = "many"
    with pytest.raises(InvalidSetting):
        append([Counted(1)])
    settings.FACTOS_MAX_BATCH = 1
    with pytest.raises(InvalidAppend, match="FACTOS_MAX_BATCH is 1"):
        append([Counted(1), Counted(2)])


def test_none_is_refused_at_the_first_use_too() -> None:
    with override_settings(FACTOS_MAX_BATCH=None), pytest.raises(InvalidSetting):
        _ = type(conf)().MAX_BATCH


def test_a_mapping_that_is_changed_in_place_is_judged_again() -> None:
    guards = {"default": "log"}
    with override_settings(FACTOS_GUARD=guards):
        assert guards == conf.GUARD
        guards["default"] = "bogus"
        with pytest.raises(InvalidSetting):
            _ = conf.GUARD
