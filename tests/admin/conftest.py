from __future__ import annotations

import pytest
from django.test import Client

from tests.admin.clients import superuser_client
from tests.guards.conftest import session
from tests.rest.conftest import on_store
from tests.stores import Store

__all__ = ["on_store", "root", "session"]


@pytest.fixture
def root(on_store: Store) -> Client:
    """A superuser in the admin, with the log on the store of the test."""
    return superuser_client()
