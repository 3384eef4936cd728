"""What Celery beat does for facts. It imports no model, so settings.py may call it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["CATCH_UP_TASK", "beat_schedule"]

#: The name of the Celery task that lets all followers of a database catch up.
CATCH_UP_TASK = "factos.catch_up"

#: Commits nudge, so this is for what no nudge has reached: a dead broker, a crash after the commit, an append
#: that was rolled back and had held others back, a failure whose time to try again has come.
_SECONDS = 5.0


def beat_schedule(
    databases: Sequence[str] = ("default",), *, seconds: float = _SECONDS
) -> dict[str, dict[str, Any]]:
    """Return entries for CELERY_BEAT_SCHEDULE: every ``seconds``, the followers of each database catch up.

    ::

        CELERY_BEAT_SCHEDULE = beat_schedule() | {...}

    Where ``manage.py run_projections`` runs, it is not needed.
    """
    return {
        f"{CATCH_UP_TASK} {alias}": {"task": CATCH_UP_TASK, "schedule": seconds, "args": [alias]}
        for alias in databases
    }
