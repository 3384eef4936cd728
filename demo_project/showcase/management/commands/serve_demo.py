"""``manage.py serve_demo``: the web server, and all that works behind it, until Ctrl-C."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailure
from django.db import connection
from django.urls import reverse

from demo_project.pages import PAGES
from demo_project.settings import MESSAGES_FOLDER
from demo_project.showcase.login import how_to_log_in
from demo_project.showcase.port import HOST, PortTaken, port_number, refuse_taken
from demo_project.staff import Clerk, StaffFailed, run_factos, staff, web_server, worker
from factos_django.management.table import aligned

#: Between two looks at the processes (seconds).
ROUND = 0.2


class Command(BaseCommand):
    """Starts three processes, tells where to look, and ends them."""

    help = (
        "Starts a web server, run_factos and a Celery worker, tells the addresses of the pages and how to "
        "log in, and goes on until Ctrl-C, SIGTERM, SIGHUP or the end of its terminal. A process that dies "
        "is started again; if it keeps dying, its last words are told, and this exits with 1. No process is "
        "left behind, even when this one is killed. Other machines are not served: it is a demo."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=port_number, default=8000, help="of the web server (%(default)s)")
        told = "end when the process that started this does, as make does when it is killed"
        parser.add_argument("--end-with-parent", action="store_true", help=told)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until told to end."""
        try:
            refuse_taken(options["port"])
            self._serve(options["port"], _wanted(with_parent=options["end_with_parent"]))
        except (PortTaken, StaffFailed) as error:
            raise CommandError(str(error)) from error
        except DatabaseFailure as error:
            advice = "Is it there, and migrated (manage.py migrate)?"
            raise CommandError(f"{type(error).__name__}: {error}\n{advice}") from error
        except KeyboardInterrupt:
            pass
        with suppress(OSError):  # the terminal may be gone
            self.stdout.write("Stopped. Nothing of it runs any more.")

    def _serve(self, port: int, wanted: Callable[[], bool]) -> None:
        login, folder = how_to_log_in(), MESSAGES_FOLDER
        connection.close()  # this process only waits from now on
        web = web_server(folder, f"{HOST}:{port}")
        with staff(web, run_factos(folder), worker(folder)) as clerks:
            self._look_after(clerks, lambda: wanted() and not _answers(port))
            self._tell(f"http://{HOST}:{port}", login, clerks)
            self._look_after(clerks, wanted)

    def _look_after(self, clerks: Sequence[Clerk], goes_on: Callable[[], bool]) -> None:
        while goes_on():
            for clerk in clerks:
                clerk.look_after()
            time.sleep(ROUND)

    def _tell(self, site: str, login: str, clerks: Sequence[Clerk]) -> None:
        self.stdout.write(self.style.SUCCESS(f"The demo is served at {site}/ until you press Ctrl-C."))
        for line in aligned([(f"  {name}", site + path, what) for name, path, what in _addresses(login)]):
            self.stdout.write(line)
        logs = ", ".join(clerk.log.name for clerk in clerks)
        self.stdout.write(f"  What its processes say is in {clerks[0].log.parent}: {logs}")
        self.stdout.flush()  # whoever reads it through a pipe is to know it now


def _wanted(*, with_parent: bool) -> Callable[[], bool]:
    """Return what tells whether somebody may still want it.

    Who closes a terminal in which nothing but make runs tells make alone, which waits for us.
    """
    parent, terminals = os.getppid(), [each for each in (0, 1, 2) if os.isatty(each)]

    def wanted() -> bool:
        return all(map(os.isatty, terminals)) and (not with_parent or os.getppid() == parent)

    return wanted


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _addresses(login: str) -> Iterator[tuple[str, str, str]]:
    for page in PAGES:
        if page.address:
            yield page.name, page.address, page.rule
    yield "Admin", reverse("admin:index"), login
    yield "REST API", reverse("factos:docs"), "the log, its projections and its effects"
    yield "Commands", reverse("commands:docs"), "what may be asked of each context"
