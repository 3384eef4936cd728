from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from demo_project.settings import FACTOS_API_PERMISSIONS
from factos_django.rest_framework.feed.places import PLACES
from tests.browser import browser
from tests.guards.conftest import session
from tests.guards.sessions import until
from tests.rest.conftest import on_store
from tests.stores import Store

__all__ = ["browser", "demo", "on_store", "session"]


@pytest.fixture
def demo(on_store: Store, live_server: Any, settings: Any) -> Iterator[str]:
    """The address of the demo, open to readers as it is, with its log on the store of the test."""
    settings.FACTOS_API_PERMISSIONS = FACTOS_API_PERMISSIONS
    settings.FACTOS_FEED_SECONDS = 2  # those who left are noticed when an answer ends
    yield live_server.url
    until(lambda: len(PLACES) == 0, "a feed that ends after its reader has left")
