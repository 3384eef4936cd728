from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.guards.conftest import session
from tests.rest.clients import ApiClient, LogOn, a_client
from tests.stores import Store

__all__ = ["anybody", "api", "on_store", "session"]


@pytest.fixture
def on_store(store: Store, settings: Any) -> Store:
    """The store of the test, with the log of the API in it (``on_databases(also=["default"])``)."""
    settings.DATABASE_ROUTERS = [LogOn(store.using)]
    return store


@pytest.fixture
def api(on_store: Store) -> ApiClient:
    """A client who may do everything, on each store."""
    return a_client(User.objects.create_superuser("root"))


@pytest.fixture
def anybody(on_store: Store) -> ApiClient:
    """A client who has not logged in, on each store."""
    return a_client()
