"""``manage.py rebuild_projections``: compute projections again, or check that they are right."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, Error, connections
from tqdm import tqdm

from factos_django.core.errors import FactosError, InvalidTag, UnknownProjection
from factos_django.core.tag import checked_tag
from factos_django.management.exit_codes import INTERRUPTED, USAGE
from factos_django.management.numbers import positive
from factos_django.projections.declaration import projection_named
from factos_django.projections.rebuilding import check, rebuild
from factos_django.projections.rebuilding.computed import Computed
from factos_django.projections.rebuilding.replaying import Progress
from factos_django.registry import PROJECTIONS

__all__ = ["Command"]


#: Between two lines where there is no terminal (seconds).
_LINE_EVERY = 10.0


def _tag(text: str) -> str:
    try:
        return checked_tag(text)
    except InvalidTag as error:
        raise ArgumentTypeError(str(error)) from error


class Command(BaseCommand):
    """Exits with 0 when all is right, 1 when something was refused or differs, 2 for a wrong usage."""

    help = (
        "Computes projections again from the facts, beside the rows that are there, and puts in place what "
        "differs. Appends go on, and readers see the old rows or the new ones. With --check nothing is "
        "written: it tells which rows are wrong, and exits with 1 if there are any."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("names", nargs="*", metavar="NAME", help="of a projection")
        add("--all", action="store_true", help="all projections of this database")
        add("--check", action="store_true", help="compare, and write nothing")
        add("--tag", type=_tag, help="only the rows that a fact with this tag has changed")
        add("--batch-size", type=positive, default=5_000, help="events that are read at a time (%(default)s)")
        add(
            "--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections), help="its alias (%(default)s)"
        )
        add("--json", action="store_true", help="tell the outcome as JSON")
        add("--no-input", "--noinput", action="store_false", dest="interactive", help="ask nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the projections; one that is refused keeps nobody from the others."""
        names = _names(options)
        self._confirm(names, options)
        outcomes = [self._one(name, options) for name in names]
        if options["json"]:
            told = [outcome if isinstance(outcome, dict) else _told(outcome) for outcome in outcomes]
            self.stdout.write(json.dumps({"projections": told}, indent=2, default=str))
        if any(isinstance(each, dict) or (each.checked and not each.is_right) for each in outcomes):
            sys.exit(1)

    def _confirm(self, names: list[str], options: dict[str, Any]) -> None:
        if options["check"] or not options["interactive"] or not sys.stdin.isatty():
            return
        said = names[0] if len(names) == 1 else f"{len(names)} projections"
        if input(f"Compute {said} again in database {options['database']!r}? [y/N] ").lower() not in (
            "y",
            "yes",
        ):
            raise CommandError("Nothing was done.")

    def _one(self, name: str, options: dict[str, Any]) -> Computed | dict[str, str]:
        work = check if options["check"] else rebuild
        try:
            with self._progress(name, options) as progress:
                outcome = work(
                    name,
                    tag=options["tag"],
                    batch_size=options["batch_size"],
                    progress=progress,
                    using=options["database"],
                )
        except KeyboardInterrupt:
            said = f"Interrupted: the rows of {name} are as they were."
            raise CommandError(said, returncode=INTERRUPTED) from None
        except (FactosError, Error) as error:
            self.stderr.write(self.style.ERROR(str(error)))
            return {"name": name, "error": type(error).__name__, "message": str(error)}
        if not options["json"]:
            self._tell(outcome, options)
        return outcome

    def _tell(self, outcome: Computed, options: dict[str, Any]) -> None:
        if options["verbosity"] < 1 and (outcome.is_right or not outcome.checked):
            return
        style = self.style.ERROR if outcome.checked and not outcome.is_right else self.style.SUCCESS
        self.stdout.write(style(_sentence(outcome)))
        for each in outcome.sample:
            key = ", ".join(map(str, each.key))
            self.stdout.write(f"  {each.kind} {key}: is {each.is_now}, should be {each.should_be}")

    @contextmanager
    def _progress(self, name: str, options: dict[str, Any]) -> Iterator[Progress | None]:
        if options["verbosity"] < 1 or options["json"]:
            yield None
        elif sys.stderr.isatty():
            with tqdm(desc=name, bar_format=_BAR, leave=False) as bar:
                yield _moving(bar)
        else:
            yield self._lines(name)

    def _lines(self, name: str) -> Progress:
        begun = said = time.monotonic()

        def tell(events: int, position: int, head: int) -> None:
            nonlocal said
            now = time.monotonic()
            if now - said >= _LINE_EVERY:
                said = now
                self.stderr.write(
                    f"{name}: {events:,} events, {events / (now - begun):,.0f}/s, at {position} of {head}"
                )

        return tell


_BAR = "{desc} {percentage:3.0f}%|{bar}| at {n_fmt} of {total_fmt}{postfix} [{elapsed}<{remaining}]"


def _moving(bar: Any) -> Progress:
    begun = time.monotonic()

    def move(events: int, position: int, head: int) -> None:
        bar.total, bar.n = head, position
        bar.set_postfix_str(f"{events / max(1e-9, time.monotonic() - begun):,.0f} events/s")

    return move


def _names(options: dict[str, Any]) -> list[str]:
    if bool(options["names"]) is options["all"]:
        raise CommandError("Give the names of projections, or --all.", returncode=USAGE)
    if options["all"]:
        return [each.name for each in PROJECTIONS if each.takes_part(options["database"])]
    try:
        return [projection_named(name).name for name in dict.fromkeys(options["names"])]
    except UnknownProjection as error:
        raise CommandError(str(error), returncode=USAGE) from error


def _told(outcome: Computed) -> dict[str, Any]:
    return asdict(outcome) | {"is_right": outcome.is_right}


def _sentence(outcome: Computed) -> str:
    counts = outcome.counts
    rows = f"{counts.missing} missing, {counts.extra} extra, {counts.different} different"
    did = (
        f"{outcome.name}: {outcome.events:,} events to position {outcome.position} in {outcome.seconds:.1f} s"
    )
    if outcome.checked:
        return f"{did}; {'all rows are right' if outcome.is_right else f'rows are wrong: {rows}'}."
    parked = f" {outcome.parked} events are parked." if outcome.parked else ""
    return f"{did}; {f'put right: {rows}' if counts.all else 'all rows were right'}.{parked}"
