import pytest

from factos_django.testing import InMemoryLog, Log, StoreContract, StoreLog
from tests.stores import Store, on_databases


class TestInMemoryLog(StoreContract):
    @pytest.fixture
    def log(self) -> Log:
        return InMemoryLog()


@on_databases()
class TestStore(StoreContract):
    @pytest.fixture
    def log(self, store: Store) -> Log:
        return StoreLog(store.using)
