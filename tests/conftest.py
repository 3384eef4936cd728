import os
from typing import Any

import hypothesis
import pytest

from tests.settings import DATABASES, LEFT_OUT
from tests.stores import Store

# An example that waits for a database is slow now and then, which is no failure.
hypothesis.settings.register_profile("factos", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("factos")


LEFT_OUT_LINES = [f"{alias} is left out: {reason}" for alias, reason in LEFT_OUT.items()]


@pytest.fixture
def store(request: pytest.FixtureRequest, settings: Any) -> Store:
    """One of tests.stores.STORES, its guard in force; see tests.stores.on_databases."""
    chosen: Store = request.param
    settings.FACTOS_GUARD = {chosen.using: chosen.guard}
    return chosen


def pytest_configure() -> None:
    if os.environ.get("CI") == "true" and LEFT_OUT_LINES:
        raise pytest.UsageError("\n".join(["in CI every database is tested", *LEFT_OUT_LINES]))


def pytest_report_header() -> list[str]:
    return [f"databases: {', '.join(DATABASES)} (default is SQLite)", *LEFT_OUT_LINES]
