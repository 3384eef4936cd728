"""No answer of the API is a 5xx or other than its description says, whoever asks whatever, on every store.

``make fuzz`` asks more.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.rest.fuzzing import EXAMPLES, SEEDS, WHO, failures_of, filled
from tests.stores import Store, on_databases


@on_databases(also=["default"])
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
def test_every_answer_is_as_described(on_store: Store, who: str, seed: int, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    settings.FACTOS_CELERY_NUDGE = False
    settings.FACTOS_LOCK_TIMEOUT_SECONDS = 1
    filled(on_store.using)
    failures = failures_of(who, seed, EXAMPLES)
    assert failures == [], "\n\n".join(failures)
