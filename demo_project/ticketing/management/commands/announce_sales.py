"""``manage.py announce_sales``: a real worker and a real relay announce what was sold, with some trouble."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo_project.settings import MESSAGES_FOLDER
from demo_project.staff import Clerk, StaffFailed, relay, staff, worker
from demo_project.ticketing.announcements import (
    announcements,
    buyer_of,
    make_trouble,
    put_right,
    unaccounted,
)
from demo_project.ticketing.models import Mail
from factos_django.models import Effect


class Command(BaseCommand):
    """Works until nothing is left to announce, retries what died, and counts what was sent."""

    help = (
        "Starts a Celery worker and a relay, lets them announce the tickets that were sold, and retries the "
        "announcements that died. One mailbox turns two attempts away, and one is unknown at first. Exits "
        "with 1 unless each ticket is announced by one mail. No process is left behind."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        told = "fail when nothing was announced for so many seconds (%(default)s)"
        parser.add_argument("--patience", type=float, default=60.0, metavar="SECONDS", help=told)

    def handle(self, *args: Any, **options: Any) -> None:
        """Announce, retry, count, and fail if a ticket is not announced."""
        if announcements("pending", "running", "dead").exists():
            self._announce(options["patience"])
        if wrong := list(unaccounted()):
            raise CommandError(f"{'; '.join(wrong)}. (manage.py factos_effects list)")
        told = f"Each of {Mail.objects.count()} tickets is announced, by one mail."
        self.stdout.write(self.style.SUCCESS(told))

    def _announce(self, patience: float) -> None:
        try:
            self._tell_trouble()
            with staff(worker(MESSAGES_FOLDER), relay(MESSAGES_FOLDER)) as clerks:
                self._wait(clerks, patience)
                self._report()
                if dead := list(announcements("dead")):
                    self._retry(dead)
                    self._wait(clerks, patience)
                    self._report_retried(dead)
        except StaffFailed as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. What is left is announced the next time.", returncode=130) from None

    def _tell_trouble(self) -> None:
        if trouble := make_trouble():
            self.stdout.write(f"{trouble[0]}: the mailbox turns two attempts away.")
            self.stdout.write(f"{trouble[1]}: there is no such mailbox.")

    def _wait(self, clerks: Sequence[Clerk], patience: float) -> None:
        left, deadline = -1, 0.0
        while (now := announcements().count()) > 0:
            if now != left:
                left, deadline = now, time.monotonic() + patience
            if time.monotonic() > deadline:
                logs = ", ".join(str(clerk.log) for clerk in clerks)
                raise CommandError(f"{left} announcements are left, and nothing moves. See {logs}")
            for clerk in clerks:
                clerk.look_after()
            time.sleep(0.1)

    def _report(self) -> None:
        done = announcements("done")
        self.stdout.write(f"{done.filter(attempts=1).count()} announcements were delivered at once.")
        for row in done.filter(attempts__gt=1):
            self.stdout.write(f"{buyer_of(row)}: delivered at attempt {row.attempts}, after {row.error}")
        for row in announcements("dead"):
            told = f"{buyer_of(row)}: dead after attempt {row.attempts}, {row.error}"
            self.stdout.write(self.style.WARNING(told))

    def _retry(self, dead: Sequence[Effect]) -> None:
        put_right(map(buyer_of, dead))
        for row in dead:
            self.stdout.write(f"{buyer_of(row)}: the address is put right: factos_effects retry {row.pk}")
            call_command("factos_effects", "retry", str(row.pk), stdout=self.stdout, stderr=self.stderr)

    def _report_retried(self, dead: Sequence[Effect]) -> None:
        for row in announcements("done").filter(pk__in=[each.pk for each in dead]):
            self.stdout.write(f"{buyer_of(row)}: delivered at attempt {row.attempts}.")
