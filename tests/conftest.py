import os

import hypothesis
import pytest

from tests.settings import DATABASES, LEFT_OUT

# An example that waits for a database is slow now and then, which is no failure.
hypothesis.settings.register_profile("factos", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("factos")


LEFT_OUT_LINES = [f"{alias} is left out: {reason}" for alias, reason in LEFT_OUT.items()]


def pytest_configure() -> None:
    if os.environ.get("CI") == "true" and LEFT_OUT_LINES:
        raise pytest.UsageError("\n".join(["in CI every database is tested", *LEFT_OUT_LINES]))


def pytest_report_header() -> list[str]:
    return [f"databases: {', '.join(DATABASES)} (default is SQLite)", *LEFT_OUT_LINES]
