"""No answer of the API is a 5xx or other than its description says, whoever asks whatever, on every store.

``make fuzz`` asks more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery, current_app

from tests.rest.fuzzing import EXAMPLES, SEEDS, WHO, Answers, answers_to, filled
from tests.stores import Store, on_databases


@pytest.fixture
def broker() -> Iterator[None]:
    """A broker that keeps in memory what it is given, for rebuilds that nobody runs."""
    before = current_app._get_current_object()
    Celery("of the test", broker="memory://").set_current()
    yield
    before.set_current()


SEEDED = pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")


@pytest.fixture
def brief(broker: None, on_store: Store, settings: Any) -> None:
    """A log with facts in it, and no wait that is worth it: nobody else appends."""
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    settings.FACTOS_CELERY_NUDGE = False
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 1
    settings.FACTOS_FEED_SECONDS = 0.05
    filled(on_store.using)


def hold(answers: Answers, record_property: Callable[[str, object], None]) -> None:
    """Nothing is wrong; how much was asked stands in the report of the run, for whoever sums up."""
    record_property("requests", answers.requests)
    record_property("server errors", answers.server_errors)
    assert answers.failures == [], "\n\n".join(answers.failures)


@pytest.mark.usefixtures("brief")
@on_databases(also=["default"])
@pytest.mark.parametrize("who", WHO)
@SEEDED
def test_every_answer_is_as_described(
    store: Store, who: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    hold(answers_to(who, seed, EXAMPLES), record_property)


@pytest.mark.usefixtures("brief")
@on_databases("default", also=["default"])
@SEEDED
def test_nobody_is_answered_as_described(
    store: Store, seed: int, record_property: Callable[[str, object], None]
) -> None:
    hold(answers_to("nobody", seed, EXAMPLES), record_property)
