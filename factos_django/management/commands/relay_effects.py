"""``manage.py relay_effects``: the worker that publishes the effects that are due."""

from __future__ import annotations

from typing import Any

from factos_django.management.relaying import Relaying
from factos_django.management.worker_command import WorkerCommand, Working


class Command(WorkerCommand):
    """Relays; any number of them share the work. SIGTERM and SIGINT end it, and what is claimed goes back."""

    help = (
        "Sends Celery messages for the effects that are due, until SIGTERM or SIGINT tells it to end. Exits "
        "with 0; with 1 if no broker is configured; with --once with 3 if the broker is down."
    )

    def works(self, using: str, options: dict[str, Any]) -> list[Working]:
        """Return the work of relaying."""
        return [Relaying(using)]
