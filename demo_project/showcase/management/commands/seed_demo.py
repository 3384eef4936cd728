"""``manage.py seed_demo``: record a made-up history of all contexts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseFailure
from tqdm import tqdm

from demo_project.showcase.history import history
from demo_project.showcase.seeding import NotEmpty, first_facts, record
from factos_django import FactosError
from factos_django.management.numbers import positive, whole


class Command(BaseCommand):
    """Records the same facts for the same seed, and each of them once, however often it runs."""

    help = (
        "Records a made-up history over all contexts of the demo: people register, move money, buy tickets "
        "and pay invoices, each as its decider allows. Every fact says that it was recorded now, for that is "
        "the log's to say. The log may hold no other facts of the demo. Run twice, it records nothing twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--facts", type=positive, default=10_000, help="how many, or a few more (%(default)s)")
        add("--seed", type=whole, default=1, help="of the chance that makes them (%(default)s)")
        add("--database", choices=tuple(connections), default=DEFAULT_DB_ALIAS, help="%(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        """Record what is missing."""
        try:
            facts, new = self._record(options)
        except (NotEmpty, FactosError, DatabaseFailure) as error:
            raise CommandError(_told(error, options["database"])) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. The next time goes on from here.", returncode=130) from None
        if options["verbosity"] > 0:
            told = f"{facts:,} facts of all contexts are there; {new:,} of them are new."
            self.stdout.write(self.style.SUCCESS(told))

    def _record(self, options: dict[str, Any]) -> tuple[int, int]:
        batches = first_facts(history(options["seed"]), options["facts"])
        shown = options["verbosity"] > 0 and sys.stderr.isatty()
        recorded = record(batches, options["database"])
        done = list(_watched(recorded, options["facts"]) if shown else recorded)
        return sum(facts for facts, _ in done), sum(new for _, new in done)


def _watched(recorded: Iterator[tuple[int, int]], total: int) -> Iterator[tuple[int, int]]:
    with tqdm(total=total, unit=" facts", desc="Seeding", leave=False, file=sys.stderr) as bar:
        for facts, new in recorded:
            bar.update(facts)
            yield facts, new


def _told(error: Exception, database: str) -> str:
    if isinstance(error, NotEmpty):
        return f"Nothing was seeded: {error}. Take another database, or make clean, or make demo FACTS=0."
    if isinstance(error, FactosError):
        return f"{type(error).__name__}: {error}"
    advice = f"Is it there, and migrated (manage.py migrate --database {database})?"
    return f"{type(error).__name__}: {error}\n{advice}"
