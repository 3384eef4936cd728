from tests.guards.conftest import session

__all__ = ["session"]
