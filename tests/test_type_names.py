"""Which types the log holds facts of beside those that are known."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from factos_django import UnregisteredEvent
from factos_django.store import append
from factos_django.store.names import types_beside
from tests.stores import on_databases

pytestmark = on_databases()

NAMES = ["A.b", "a", "a.1", "k0001", "m", "zz", "zz9"]


@pytest.fixture
def log(store, settings):
    settings.FACTOS_API_UNREGISTERED_TYPES = True
    append([UnregisteredEvent(name, 1, {"n": 1}) for name in NAMES for _ in range(60)], using=store.using)


def test_each_is_found_once_wherever_it_stands_among_those_that_are_known(log, store):
    assert types_beside(["k", "y", "a"], limit=10, using=store.using) == [
        "A.b",
        "a.1",
        "k0001",
        "m",
        "zz",
        "zz9",
    ]
    assert types_beside([], limit=10, using=store.using) == NAMES[:6], "it does not look for ever"
    assert types_beside(["k"], limit=1, using=store.using) == ["A.b"]
    assert types_beside(NAMES, limit=10, using=store.using) == []


def test_it_asks_once_where_all_are_known_and_a_few_times_for_hundreds(log, store):
    hundreds = [f"k{number:04}" for number in range(900)]
    for known, most in ((NAMES, 1), ([*NAMES, *hundreds], 3)):
        with CaptureQueriesContext(connections[store.using]) as captured:
            assert types_beside(known, limit=10, using=store.using) == []
        assert len(captured) == most
    assert types_beside(hundreds, limit=10, using=store.using) == ["A.b", "a", "a.1", "m", "zz", "zz9"]
