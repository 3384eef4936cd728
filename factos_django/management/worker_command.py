"""What commands that work on the log have in common: they go on until they are told to end, or work once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connections

from factos_django.management.refusing import refusing
from factos_django.models import Effect, ProjectionState
from factos_django.store.database import database_for_writing
from factos_django.workers.daemon import Daemon, Job
from factos_django.workers.ending import interrupt, on_signals, run_until_told_to_end
from factos_django.workers.leases import this_worker

__all__ = ["Say", "Shortfall", "WorkerCommand", "Working"]

#: Prints a line.
Say = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is left undone at the end of ``--once``, in words, and the exit code that says so."""

    said: str
    code: int


class Working(ABC):
    """One kind of work on the log of ``using``."""

    def __init__(self, using: str) -> None:
        self.using = using

    @property
    @abstractmethod
    def purpose(self) -> str:
        """What it does, to follow the name of the worker."""

    @abstractmethod
    def refuse(self) -> None:
        """Raise CommandError where it cannot be done at all."""

    @abstractmethod
    def job(self, say: Say) -> Job:
        """Return it as a job of a daemon; ``say`` prints each of its turns."""

    @abstractmethod
    def once(self, say: Say) -> Shortfall | None:
        """Do what is there to be done; ``say`` prints what was."""


class WorkerCommand(BaseCommand, ABC):
    """Does its works until SIGTERM or SIGINT; any number of such processes share them."""

    @abstractmethod
    def works(self, using: str, options: dict[str, Any]) -> list[Working]:
        """Return what it does, in the order of turns."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--once", action="store_true", help="do what is there to be done, and end")
        parser.add_argument("--database", choices=tuple(connections), help="that of the log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go on, or work once."""
        using = database_for_writing(options["database"])
        works = self.works(using, options)
        for each in works:
            each.refuse()
        if options["once"]:
            self._work_once(works, using, options["verbosity"])
        else:
            self._go_on(works, using, options["verbosity"])

    def _work_once(self, works: Sequence[Working], using: str, verbosity: int) -> None:
        say = self.stdout.write if verbosity else _silently
        with refusing(using), on_signals(interrupt):
            found = [each.once(say) for each in works]
        if left := [each for each in found if each is not None]:
            said = "\n".join(each.said for each in left)
            raise CommandError(said, returncode=max(each.code for each in left))

    def _go_on(self, works: Sequence[Working], using: str, verbosity: int) -> None:
        _refuse_unmigrated(using)
        begun = f"{this_worker()} {', and '.join(each.purpose for each in works)}"
        say = self.stdout.write if verbosity > 1 else _silently
        daemon = Daemon([each.job(say) for each in works], using)
        run_until_told_to_end(daemon, lambda: verbosity and self.stdout.write(begun))
        if verbosity:
            self.stdout.write("Ended.")


def _refuse_unmigrated(using: str) -> None:
    try:
        tables = connections[using].introspection.table_names()
    except Error:
        return  # it is away; the daemon waits for it
    if not {ProjectionState._meta.db_table, Effect._meta.db_table} <= set(tables):
        raise CommandError(f"Its tables are missing: manage.py migrate --database {using}")


def _silently(line: str) -> None:
    del line
