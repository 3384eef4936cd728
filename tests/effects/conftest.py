from collections.abc import Iterator

import pytest

from tests.effects.brokers import Broker, opened


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker of one kind; see tests.effects.brokers.on_brokers."""
    with opened(request.param) as given:
        yield given
