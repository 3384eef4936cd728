"""What Celery beat does for facts. It imports no model, so settings.py may call it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "CATCH_UP_TASK",
    "CHECK_PROJECTION_TASK",
    "PRUNE_EFFECTS_TASK",
    "REBUILD_PROJECTION_TASK",
    "RELAY_EFFECTS_TASK",
    "beat_schedule",
]

#: The name of the Celery task that lets all followers of a database catch up.
CATCH_UP_TASK = "factos.catch_up"

#: That of the one that publishes the effects of a database.
RELAY_EFFECTS_TASK = "factos.relay_effects"

#: That of the one that removes those which were finished long ago.
PRUNE_EFFECTS_TASK = "factos.prune_effects"

#: That of the one that computes a projection again. Beat does not: somebody asks for it.
REBUILD_PROJECTION_TASK = "factos.rebuild_projection"

#: That of the one that computes it again and compares; nor does beat ask for this.
CHECK_PROJECTION_TASK = "factos.check_projection"

#: Beat counts this from its own beginning where it keeps no schedule file: so it is less than a day.
_AN_HOUR = 3_600.0

#: Commits nudge, so this is for what no nudge has reached: a dead broker, a crash after the commit, an append
#: that was rolled back and had held others back, a failure whose time to try again has come.
_SECONDS = 5.0


def beat_schedule(
    databases: Sequence[str] = ("default",), *, seconds: float = _SECONDS
) -> dict[str, dict[str, Any]]:
    """Return entries for CELERY_BEAT_SCHEDULE.

    Every ``seconds`` the followers of each database catch up, and its effects that are due are published.
    Once an hour those that were finished long ago are removed.

    ::

        CELERY_BEAT_SCHEDULE = beat_schedule() | {...}

    The first is not needed where ``manage.py run_projections`` runs, the second where ``relay_effects`` does,
    neither where ``run_factos`` does.
    """
    tasks = {CATCH_UP_TASK: seconds, RELAY_EFFECTS_TASK: seconds, PRUNE_EFFECTS_TASK: _AN_HOUR}
    return {
        f"{task} {alias}": {"task": task, "schedule": schedule, "args": [alias]}
        for alias in databases
        for task, schedule in tasks.items()
    }
