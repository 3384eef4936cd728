"""``manage.py sum_up_demo``: the demo in a few numbers, each of them counted or computed now."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from demo_project.ticketing.announcements import unaccounted
from demo_project.ticketing.models import Mail
from factos_django.management.table import aligned
from factos_django.models import Event
from factos_django.projections.rebuilding import Computed, check
from factos_django.registry import PROJECTIONS


class Command(BaseCommand):
    """Exits with 1 if a row or a mail is not as the facts say."""

    help = (
        "Counts the facts and the mails, and computes each projection again to compare it with its rows. "
        "Writes nothing. Exits with 1 if a row is wrong, or a ticket is not announced by one mail."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        told = "tell how long ago that was, too: a moment, in seconds since 1970"
        parser.add_argument("--since", type=float, metavar="SECONDS", help=told)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each kind of thing, and fail if something is wrong."""
        checked = [check(each.name) for each in PROJECTIONS if each.takes_part(DEFAULT_DB_ALIAS)]
        rows = [_facts(), ("projections", f"{len(checked)}", "computed again and compared with their rows")]
        rows.append(("mails", f"{Mail.objects.count():,}", "one for each ticket"))
        if options["since"] is not None:
            rows.append(("seconds", f"{time.time() - options['since']:.1f}", ""))
        if wrong := [*map(_wrong_rows, filter(_is_wrong, checked)), *unaccounted()]:
            raise CommandError(f"{'; '.join(wrong)}.")
        self.stdout.write(self.style.MIGRATE_HEADING("All is right"))
        for line in aligned([(name, number.rjust(6), what) for name, number, what in rows]):
            self.stdout.write(line)


def _facts() -> tuple[str, str, str]:
    types = Event.objects.values("type").distinct().count()
    return "facts", f"{Event.objects.count():,}", f"of {types} types"


def _is_wrong(computed: Computed) -> bool:
    return not computed.is_right


def _wrong_rows(computed: Computed) -> str:
    return f"rows of {computed.name} are wrong: {computed.counts.all}"
