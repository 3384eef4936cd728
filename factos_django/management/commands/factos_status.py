"""``manage.py factos_status``: where the log, its projections and its effects stand, also for monitors."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseFailure

from factos_django.core.errors import FactosError
from factos_django.management.durations import duration
from factos_django.management.exit_codes import BEHIND
from factos_django.management.numbers import whole
from factos_django.management.table import aligned
from factos_django.status import (
    EffectCount,
    EffectsStatus,
    Health,
    Holder,
    Lag,
    LastRun,
    LogStatus,
    ProjectionStatus,
    Status,
    enough_for,
    health_of,
    status,
)

__all__ = ["Command"]


def allowed_lag(text: str) -> int | timedelta:
    """Return ``1000`` as a number of events, ``30s`` as a time."""
    try:
        number = float(text[:-1]) if text.endswith("s") else int(text)
        made = timedelta(seconds=number) if isinstance(number, float) else number
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is neither events (1000) nor seconds (30s)") from None
    if number < 0:
        raise ArgumentTypeError(f"{text} is less than nothing")
    return made


class Command(BaseCommand):
    """Reads, and changes nothing. The exit code is for monitors: 0 all is well, 3 somebody has to look."""

    help = (
        "Tells where the log, its projections and its effects stand. Exits with 3 if a projection has "
        "stopped, needs a rebuild or is behind by more than --max-lag, if an open append holds the head "
        "back for too long, if an effect has been due for longer than --max-age, or if more than --max-dead "
        "are dead."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--database", choices=tuple(connections), default=DEFAULT_DB_ALIAS, help="%(default)s")
        add("--json", action="store_true", help="print one JSON object instead of the table")
        add(
            "--max-lag",
            type=allowed_lag,
            metavar="N|Ns",
            help="how far a follower may be behind: 1000 is events, 30s is seconds (as far as it is)",
        )
        add("--max-age", type=duration, metavar="30s", help="for how long an effect may be due (as it is)")
        add("--max-dead", type=whole, metavar="N", help="how many effects may be dead (as many as are)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, tell, and fail if somebody has to look."""
        found = self._look(options)
        allowed = {name: options[name] for name in ("max_lag", "max_age", "max_dead")}
        health = health_of(found, **allowed)
        self._print(found, health, as_json=options["json"])
        if not health.ok:
            raise CommandError("\n".join(health.problems), returncode=BEHIND)

    def _look(self, options: dict[str, Any]) -> Status:
        try:
            counts = {"count_to": options["max_lag"], "count_dead_to": options["max_dead"]}
            return status(options["database"], **{name: enough_for(most) for name, most in counts.items()})
        except FactosError as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        except DatabaseFailure as error:
            advice = f"Is it there, and migrated (manage.py migrate --database {options['database']})?"
            raise CommandError(f"{type(error).__name__}: {error}\n{advice}") from error

    def _print(self, found: Status, health: Health, *, as_json: bool) -> None:
        if as_json:
            data = found.as_data() | {"ok": health.ok, "problems": list(health.problems)}
            self.stdout.write(json.dumps(data, ensure_ascii=False))
            return
        self.stdout.write(self.style.MIGRATE_HEADING(f"The log on {found.database}"))
        for line in (
            *_log_lines(found.log),
            "",
            *_projection_lines(found),
            "",
            *_effect_lines(found.effects),
        ):
            self.stdout.write(line)
        if health.ok:
            self.stdout.write(self.style.SUCCESS("All is well."))


def _log_lines(log: LogStatus) -> Iterator[str]:
    yield f"head     {log.head:,}{f' of {log.position:,}' if log.position > log.head else ''}"
    yield f"events   {'about ' if log.is_estimate else ''}{log.events:,}"
    if log.holder is not None:
        yield f"held by  {_holder(log.holder)}"


def _holder(holder: Holder) -> str:
    who = "a prepared transaction" if holder.pid is None else f"pid {holder.pid}"
    age = "" if holder.seconds is None else f"for {holder.seconds:.1f} s"
    named = f"({holder.application_name})" if holder.application_name else ""
    query = " ".join((holder.query or "").split())[:_QUERY_SHOWN]
    return ", ".join(filter(None, [f"{who} {named}".strip(), age, holder.state, query]))


#: Characters of a query in the table; JSON has all.
_QUERY_SHOWN = 100


def _projection_lines(found: Status) -> Iterator[str]:
    rows = [("PROJECTION", "MODE", "STATE", "POSITION", "BEHIND")]
    rows += [_row(each) for each in found.projections]
    for line, each in zip(aligned(rows), [None, *found.projections], strict=True):
        yield line
        if each is not None:
            yield from (f"    {detail}" for detail in _details(each))
    if found.unknown:
        yield f"No longer registered: {', '.join(found.unknown)}"


def _row(each: ProjectionStatus) -> tuple[str, str, str, str, str]:
    state = f"{each.condition}, needs a rebuild" if each.needs_rebuild else each.condition
    position = "" if each.position is None else f"{each.position:,}"
    return each.name, each.mode, state, position, _behind(each.lag)


def _behind(lag: Lag | None) -> str:
    if lag is None or not lag.events:
        return ""
    return f"{lag.events:,}{'+' if lag.is_more else ''} events, {lag.seconds:.0f} s"


def _details(each: ProjectionStatus) -> Iterator[str]:
    if error := each.last_error:
        yield f"since {error.since:%Y-%m-%d %H:%M:%S %Z} at position {error.position}: {error.error}"
        if error.next_attempt_at is not None:
            yield f"tried {error.attempts} times, again at {error.next_attempt_at:%Y-%m-%d %H:%M:%S %Z}"
    if each.parked:
        yield f"went on without {each.parked} events (parked)"
    if each.worker:
        yield f"followed by {each.worker}, until {each.leased_until:%Y-%m-%d %H:%M:%S %Z} or longer"
    if run := each.run:
        done = "checked" if run.checks_only else "rebuilt"
        yield f"{done} by {run.worker}, at {run.position:,} of {run.head:,}"
    if asked := each.asked:
        what = "check" if asked.checks_only else "rebuild"
        yield f"a {what} was asked for at {asked.since:%Y-%m-%d %H:%M:%S %Z}, and no worker has begun it"
    if each.last_run is not None:
        yield from _of_last(each.last_run)


def _of_last(run: LastRun) -> Iterator[str]:
    """Tell of a rebuild or check that somebody has to look at."""
    what = "check" if run.checks_only else "rebuild"
    if run.outcome == "different":
        rows = f"{run.missing:,} rows missing, {run.extra:,} too many, {run.different:,} different"
        yield f"the check of {run.ended_at:%Y-%m-%d %H:%M:%S %Z} found {rows}"
    elif run.outcome == "lost":
        yield f"the last {what} has ended without a word: its worker died, or is silent for too long"
    elif run.outcome in ("failed", "interrupted"):
        yield f"the {what} of {run.ended_at:%Y-%m-%d %H:%M:%S %Z} {_BROKEN_OFF[run.outcome]}: {run.error}"


_BROKEN_OFF = {"failed": "failed", "interrupted": "was interrupted"}


def _effect_lines(effects: EffectsStatus) -> Iterator[str]:
    states = ("pending", "running", "done", "dead", "dropped")
    yield f"effects  {', '.join(f'{_number(getattr(effects, state))} {state}' for state in states)}"
    if effects.oldest_due_seconds:
        yield f"due      for {effects.oldest_due_seconds:.0f} s, the oldest"
    if effects.oldest_dead_since is not None:
        yield f"dead     since {effects.oldest_dead_since:%Y-%m-%d %H:%M:%S %Z}, the oldest"


def _number(count: EffectCount) -> str:
    return f"{count.effects:,}{'+' if count.is_more else ''}"
