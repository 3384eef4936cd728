"""``manage.py run_projections``: the worker that keeps asynchronous projections up to date."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from factos_django.management.following import Following
from factos_django.management.worker_command import WorkerCommand, Working


class Command(WorkerCommand):
    """Follows the log; any number of them share the work. SIGTERM and SIGINT end it after its batch."""

    help = (
        "Keeps asynchronous projections up to date until SIGTERM or SIGINT tells it to end after its batch, "
        "or a second one at once. Exits with 0; with --once with 3 if a projection is stopped or put off, "
        "and with 1 if this code is too old for one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("names", nargs="*", metavar="NAME", help="these projections (all asynchronous)")
        super().add_arguments(parser)

    def works(self, using: str, options: dict[str, Any]) -> list[Working]:
        """Return the work of following."""
        return [Following(using, options["names"])]
