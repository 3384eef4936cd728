from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.admin.clients import superuser_client
from tests.admin.story import Story, told
from tests.browser import Browser, Visit, browser
from tests.guards.conftest import session
from tests.rest.conftest import on_store
from tests.stores import Store

__all__ = ["browser", "on_store", "root", "session", "story", "visit"]


@pytest.fixture
def root(on_store: Store) -> Client:
    """A superuser in the admin, with the log on the store of the test."""
    return superuser_client()


@pytest.fixture
def story(on_store: Store) -> Iterator[Story]:
    """A log that tells a story; see tests.admin.story."""
    with told(on_store.using) as story:
        yield story


@pytest.fixture
def visit(browser: Browser, root: Client, live_server: Any) -> Iterator[Visit]:
    """A superuser's walk through the admin."""
    with browser.visit(live_server.url, root) as visit:
        yield visit
