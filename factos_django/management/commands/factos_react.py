"""``manage.py factos_react``: let a reactor look at facts that were recorded before it was there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from tqdm import tqdm

from factos_django.core.errors import InvalidPosition, UnknownReactor
from factos_django.effects.reacting_again import Progress, Reacted, react_again
from factos_django.management.confirming import confirm
from factos_django.management.exit_codes import USAGE
from factos_django.management.numbers import positive, whole
from factos_django.management.refusing import refusing
from factos_django.store.database import database_for_writing

__all__ = ["Command"]


class Command(BaseCommand):
    """Counts first, asks, and then writes effects; exits with 1 where that is refused."""

    help = (
        "Lets a reactor look at facts that are recorded, and writes the effects that it had not asked for. "
        "It counts first, and asks. What was asked for once is not asked for again, unless it was pruned "
        "since: then it is delivered once more, under the same key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--reactor", required=True, metavar="NAME", help="of a reactor")
        add(
            "--from",
            type=whole,
            default=1,
            dest="first",
            metavar="POSITION",
            help="of the first (%(default)s)",
        )
        add("--to", type=whole, dest="last", metavar="POSITION", help="of the last (the stable head)")
        add("--dry-run", action="store_true", help="count, and write nothing")
        add("--batch-size", type=positive, metavar="N", help="facts in a transaction (FACTOS_FOLLOW_BATCH)")
        add("--database", choices=tuple(connections), help="that of the log")
        add("--json", action="store_true", help="tell the outcome as JSON")
        add("--no-input", "--noinput", action="store_false", dest="interactive", help="ask nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count, ask and write."""
        using = database_for_writing(options["database"])
        _refuse_nothing(options["first"], options["last"])
        with refusing(using, usage=(UnknownReactor, InvalidPosition)):
            counted = self._react(options, using, dry_run=True)
            if options["dry_run"]:
                self._tell(counted, options, written=0)
                return
            if options["interactive"] and counted.new:
                confirm(f"{_sentence(counted)} Write these into database {using!r}?")
            # No further than what was counted, and confirmed.
            done = self._react({**options, "last": counted.upto}, using, dry_run=False)
        self._tell(done, options, written=done.new)

    def _react(self, options: dict[str, Any], using: str, *, dry_run: bool) -> Reacted:
        with _progress("counting" if dry_run else "writing", options) as progress:
            return react_again(
                options["reactor"],
                first=options["first"],
                last=options["last"],
                dry_run=dry_run,
                batch_size=options["batch_size"],
                progress=progress,
                using=using,
            )

    def _tell(self, found: Reacted, options: dict[str, Any], *, written: int) -> None:
        if options["json"]:
            self.stdout.write(
                json.dumps({"reactor": options["reactor"], **asdict(found), "written": written})
            )
        else:
            self.stdout.write(f"{_sentence(found)} Written: {written:,}.")


def _refuse_nothing(first: int, last: int | None) -> None:
    if last is not None and last < first:
        raise CommandError(f"--to {last} is before --from {first}: there is nothing.", returncode=USAGE)


def _sentence(found: Reacted) -> str:
    return f"{found.facts:,} facts to position {found.upto}: {found.effects:,} effects, {found.new:,} new."


@contextmanager
def _progress(doing: str, options: dict[str, Any]) -> Iterator[Progress | None]:
    if options["json"] or options["verbosity"] < 1 or not sys.stderr.isatty():
        yield None
        return
    with tqdm(desc=f"{options['reactor']}, {doing}", bar_format=_BAR, leave=False) as bar:

        def move(done: Reacted) -> None:
            bar.total, bar.n = done.upto, done.position
            bar.set_postfix_str(f"{done.facts:,} facts, {done.new:,} new effects")

        yield move


_BAR = "{desc} {percentage:3.0f}%|{bar}| at {n_fmt} of {total_fmt}{postfix} [{elapsed}<{remaining}]"
