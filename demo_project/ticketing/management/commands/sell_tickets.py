"""``manage.py sell_tickets``: sell a conference out to concurrent buyers, and count what was recorded."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseFailure
from tqdm import tqdm

from demo_project.ticketing.domain import (
    AlreadyOpen,
    OpenConference,
    conference_openings,
    opening_context,
    sale_facts,
)
from demo_project.ticketing.sale import Answer, Sale, answers, sell
from demo_project.ticketing.sale_report import SaleReport, Tally, count_projected, count_recorded
from factos_django import FactosError, InvalidTag
from factos_django.dispatch import dispatch


def at_least(minimum: int, text: str) -> int:
    """Return the whole number in ``text``, if it is not too small."""
    try:
        number = int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < minimum:
        raise ArgumentTypeError(f"{number} is less than {minimum}")
    return number


def positive(text: str) -> int:
    """Return the number in ``text``, 1 or more."""
    return at_least(1, text)


def milliseconds(text: str) -> int:
    """Return the number in ``text``, 0 or more."""
    return at_least(0, text)


def conference_name(text: str) -> str:
    """Return ``text`` if a tag can hold it."""
    if not text:
        raise ArgumentTypeError("a conference has a name")
    try:
        sale_facts(text)
    except InvalidTag as error:
        raise ArgumentTypeError(str(error)) from error
    return text


class Command(BaseCommand):
    """Real concurrent buyers go through ``dispatch``; the exit code says whether the rule held."""

    help = (
        "Sells tickets of a conference to concurrent buyers, each process of them with its own connection, "
        "and counts in the tables what was recorded. Exits with 1 if the sale broke a rule."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--conference", type=conference_name, default="gleamconf-2026", help="its name (%(default)s)")
        add("--capacity", type=positive, default=100, help="its tickets, if it is new (%(default)s)")
        add("--attempts", type=positive, default=300, help="how many buyers try (%(default)s)")
        add("--concurrency", type=positive, default=16, help="how many processes buy (%(default)s)")
        add(
            "--hold-ms",
            type=milliseconds,
            default=0,
            metavar="N",
            help="keep the transaction of each ticket open for so many milliseconds, so that buyers meet",
        )
        add("--database", choices=tuple(connections), default=DEFAULT_DB_ALIAS, help="%(default)s")
        add("--json", action="store_true", help="print one JSON object instead of the report")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sell, report, and fail if the sale did."""
        report = self._report(options)
        self._print(report, options)
        if failures := report.failures():
            raise CommandError(f"The sale failed: {'; '.join(failures)}.")

    def _report(self, options: dict[str, Any]) -> SaleReport:
        try:
            return self._run(options)
        except FactosError as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        except DatabaseFailure as error:
            advice = f"Is it there, and migrated (manage.py migrate --database {options['database']})?"
            raise CommandError(f"{type(error).__name__}: {error}\n{advice}") from error
        except OSError as error:
            raise CommandError(f"The processes could not be started: {error}") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was sold is recorded.", returncode=130) from None

    def _run(self, options: dict[str, Any]) -> SaleReport:
        sale = Sale(
            conference=options["conference"],
            attempts=options["attempts"],
            concurrency=options["concurrency"],
            hold_seconds=options["hold_ms"] / 1000,
            using=options["database"],
        )
        capacity = self._open(sale, options)
        before = count_recorded(sale.conference, sale.using)
        tally, seconds = self._sell(sale, shown=options["verbosity"] > 0 and sys.stderr.isatty())
        recorded = count_recorded(sale.conference, sale.using)
        projected = count_projected(sale.conference, sale.using)
        return SaleReport(sale, capacity, tally, before, recorded, projected, seconds)

    def _open(self, sale: Sale, options: dict[str, Any]) -> int:
        command = OpenConference(sale.conference, options["capacity"])
        try:
            dispatch(command, decider=conference_openings, query=opening_context, using=sale.using)
        except AlreadyOpen as refused:
            if options["verbosity"] > 0:
                notice = f"{sale.conference} is open already: its capacity is {refused.capacity}."
                self.stderr.write(notice, self.style.WARNING)
            return refused.capacity
        return command.capacity

    def _sell(self, sale: Sale, *, shown: bool) -> tuple[Tally, float]:
        tally = Tally()
        with sell(sale) as workers:
            started = time.perf_counter()
            # The bar comes after the processes: it starts a thread, which no process should inherit.
            for answer in self._watched(answers(workers), sale.attempts) if shown else answers(workers):
                tally.add(answer)
            return tally, time.perf_counter() - started

    def _watched(self, told: Iterable[Answer], total: int) -> Iterable[Answer]:
        return tqdm(told, total=total, unit=" buyers", desc="Selling", leave=False, file=sys.stderr)

    def _print(self, report: SaleReport, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(report.as_data(), ensure_ascii=False))
        elif options["verbosity"] > 0:
            self._print_lines(report)

    def _print_lines(self, report: SaleReport) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"{report.sale.conference} on {report.sale.using}"))
        for line in report.lines():
            self.stdout.write(line)
        if not report.failures():
            kept = f"The rule held: {report.recorded} of {report.capacity} tickets are sold."
            self.stdout.write(self.style.SUCCESS(kept))
