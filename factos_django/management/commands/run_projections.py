"""``manage.py run_projections``: the worker that keeps asynchronous projections up to date."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connections

from factos_django.core.errors import FactosError, UnknownProjection
from factos_django.models import ProjectionState
from factos_django.projections import CaughtUp, Standing, catch_up
from factos_django.projections.follower import Follower
from factos_django.projections.following import Turn
from factos_django.projections.selection import selected
from factos_django.store.database import database_for_writing
from factos_django.workers.daemon import Daemon
from factos_django.workers.ending import interrupt, on_signals, run_until_told_to_end
from factos_django.workers.leases import this_worker

_REFUSED, _USAGE, _STOPPED, _INTERRUPTED = 1, 2, 3, 130


class Command(BaseCommand):
    """Follows the log; any number of them share the work. SIGTERM and SIGINT end it after its batch."""

    help = (
        "Keeps asynchronous projections up to date until SIGTERM or SIGINT tells it to end after its batch, "
        "or a second one at once. Exits with 0; with --once with 3 if a projection is stopped or put off, "
        "and with 1 if this code is too old for one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("names", nargs="*", metavar="NAME", help="these projections (all asynchronous)")
        parser.add_argument("--once", action="store_true", help="catch up with what is there, and end")
        parser.add_argument("--database", choices=tuple(connections), help="that of the log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Follow, or catch up."""
        using = database_for_writing(options["database"])
        self._refuse_what_cannot_be_followed(options["names"], using)
        if options["once"]:
            self._catch_up(options["names"], using, options["verbosity"])
        else:
            self._follow(options["names"], using, options["verbosity"])

    def _refuse_what_cannot_be_followed(self, names: list[str], using: str) -> None:
        try:
            inline = [each.name for each in selected(names, using) if each.inline]
        except FactosError as error:
            usage = isinstance(error, UnknownProjection)
            raise CommandError(str(error), returncode=_USAGE if usage else _REFUSED) from error
        if inline:
            said = f"{', '.join(inline)}: inline, so its rows are written with the facts; it needs no worker."
            raise CommandError(said, returncode=_REFUSED)

    def _catch_up(self, names: list[str], using: str, verbosity: int) -> None:
        try:
            with on_signals(interrupt):
                done = catch_up(*names, using=using)
        except KeyboardInterrupt:
            raise CommandError("Interrupted: what was applied is kept.", returncode=_INTERRUPTED) from None
        except (FactosError, Error) as error:
            raise CommandError(_explained(error, using), returncode=_REFUSED) from error
        for each in done if verbosity else ():
            self.stdout.write(f"{each.name}: {each.standing.value}, {each.events} facts, at {each.position}")
        _raise_what_is_not_done(done)

    def _follow(self, names: list[str], using: str, verbosity: int) -> None:
        _refuse_unmigrated(using)
        projections = selected(names, using)
        if verbosity:
            named = ", ".join(each.name for each in projections) or "no projection (none is asynchronous)"
            self.stdout.write(f"{this_worker()} follows the log of {using}: {named}")
        report = self._report if verbosity > 1 else _silently
        run_until_told_to_end(Daemon([Follower(projections, using, report)], using))
        if verbosity:
            self.stdout.write("Ended.")

    def _report(self, name: str, turn: Turn) -> None:
        self.stdout.write(f"{name}: {turn.outcome.value}, {turn.events} facts")


#: What is not done at the end of ``--once``, and the exit code that says so.
_CODES = {
    Standing.STOPPED: _STOPPED,
    Standing.PUT_OFF: _STOPPED,
    Standing.NEEDS_REBUILD: _STOPPED,
    Standing.OUTDATED: _REFUSED,
}


def _raise_what_is_not_done(done: tuple[CaughtUp, ...]) -> None:
    if wrong := [each for each in done if each.standing in _CODES]:
        said = ", ".join(f"{each.name} is {each.standing.value}" for each in wrong)
        code = max(_CODES[each.standing] for each in wrong)
        raise CommandError(f"{said}. See: manage.py factos_projections list", returncode=code)


def _refuse_unmigrated(using: str) -> None:
    try:
        tables = connections[using].introspection.table_names()
    except Error:
        return  # it is away; the daemon waits for it
    if ProjectionState._meta.db_table not in tables:
        raise CommandError(f"Its tables are missing: manage.py migrate --database {using}")


def _explained(error: Exception, using: str) -> str:
    if isinstance(error, FactosError):
        return str(error)
    return f"{error}\nIs {using} there, and migrated (manage.py migrate --database {using})?"


def _silently(name: str, turn: Turn) -> None:
    del name, turn
