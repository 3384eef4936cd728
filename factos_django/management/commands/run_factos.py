"""``manage.py run_factos``: the worker that follows the log and relays effects, in one process."""

from __future__ import annotations

from typing import Any

from factos_django.management.following import Following
from factos_django.management.relaying import Relaying
from factos_django.management.worker_command import WorkerCommand, Working


class Command(WorkerCommand):
    """Does what run_projections and relay_effects do; any number of them share the work."""

    help = (
        "Keeps asynchronous projections up to date, and sends Celery messages for the effects that are due, "
        "until SIGTERM or SIGINT tells it to end. Exits as run_projections and relay_effects do."
    )

    def works(self, using: str, options: dict[str, Any]) -> list[Working]:
        """Return both works."""
        return [Following(using), Relaying(using)]
