from __future__ import annotations

from typing import Any

import pytest

from demo_project.ticketing.domain import (
    ConferenceOpened,
)
from factos_django.store import append
from tests.stores import Store


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.rest.commands.urls"


@pytest.fixture
def sale(on_store: Store) -> str:
    """The database in which conference "c" has two tickets."""
    append([ConferenceOpened("c", 2)], using=on_store.using)
    return on_store.using
