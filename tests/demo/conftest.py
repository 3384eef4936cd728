from tests.guards.conftest import session
from tests.rest.conftest import on_store

__all__ = ["on_store", "session"]
