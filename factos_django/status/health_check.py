"""Whether somebody has to look, and at what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from factos_django.status.effects import EffectsStatus
from factos_django.status.lag import COUNTED, Lag
from factos_django.status.log import LogStatus
from factos_django.status.overview import Status, status
from factos_django.status.projections import ProjectionStatus

__all__ = ["Health", "enough_for", "health", "health_of"]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether all is well, and what is not, in words."""

    ok: bool
    problems: tuple[str, ...]


def health(
    using: str | None = None,
    *,
    max_lag: int | timedelta | None = None,
    max_age: timedelta | None = None,
    max_dead: int | None = None,
) -> Health:
    """Return whether somebody has to look; for a project's own health page.

    A projection that stopped, or needs a rebuild, is a problem, and so is an append that has held the
    head back for longer than FACTOS_MAX_HELD_SECONDS.

    Args:
        using: The alias of the database.
        max_lag: How far a follower may be behind: a number of events, or a time. None: as far as it is.
        max_age: For how long an effect may have been due. None: as long as it is.
        max_dead: How many effects may be dead. None: as many as are.

    Raises:
        What ``status`` raises. A database that cannot be reached is no healthy one either.
    """
    found = status(using, count_to=enough_for(max_lag), count_dead_to=enough_for(max_dead))
    return health_of(found, max_lag=max_lag, max_age=max_age, max_dead=max_dead)


def enough_for(most: int | timedelta | None) -> int:
    """Return to how many things have to be counted, for their number to be compared with ``most``."""
    return max(COUNTED, most) if isinstance(most, int) else COUNTED


def health_of(
    found: Status,
    *,
    max_lag: int | timedelta | None = None,
    max_age: timedelta | None = None,
    max_dead: int | None = None,
) -> Health:
    """Return the same of what was found already."""
    problems = [*_of_log(found.log)]
    for projection in found.projections:
        problems += [*_of_projection(projection), *_of_lag(projection, max_lag)]
    problems += [*_of_age(found.effects, max_age), *_of_dead(found.effects, max_dead)]
    return Health(not problems, tuple(problems))


def _of_log(log: LogStatus) -> Iterator[str]:
    if log.is_held_too_long and log.holder is not None:
        who = "a prepared transaction" if log.holder.pid is None else f"pid {log.holder.pid}"
        yield f"The head is held at {log.head}, for {log.holder.seconds:.0f} s, by {who}: its append is open."


def _of_projection(projection: ProjectionStatus) -> Iterator[str]:
    if projection.condition == "stopped":
        error = projection.last_error
        said = "" if error is None else f" at position {error.position}: {error.error}"
        yield f"{projection.name} stopped{said}"
    if projection.needs_rebuild:
        yield f"{projection.name} needs a rebuild: manage.py rebuild_projections {projection.name}"


def _of_lag(projection: ProjectionStatus, most: int | timedelta | None) -> Iterator[str]:
    if projection.lag is None or most is None:
        return
    if isinstance(most, timedelta):
        if projection.lag.seconds > most.total_seconds():
            yield f"{projection.name} is {projection.lag.seconds:.0f} s behind, of {_seconds(most)} s allowed"
    elif _is_beyond(projection.lag, most):
        yield f"{projection.name} is {_events(projection.lag)} behind, of {most:,} allowed"


def _is_beyond(lag: Lag, most: int) -> bool:
    """Tell whether it is more than ``most``; it was counted so far."""
    return lag.events > most or lag.is_more


def _events(lag: Lag) -> str:
    if lag.is_more:
        return f"more than {lag.events:,} events"
    return f"{lag.events:,} event{'' if lag.events == 1 else 's'}"


def _seconds(most: timedelta) -> str:
    return f"{most.total_seconds():g}"


def _of_age(effects: EffectsStatus, most: timedelta | None) -> Iterator[str]:
    if most is not None and effects.oldest_due_seconds > most.total_seconds():
        yield f"An effect has been due for {effects.oldest_due_seconds:.0f} s, of {_seconds(most)} s allowed"


def _of_dead(effects: EffectsStatus, most: int | None) -> Iterator[str]:
    dead = effects.dead
    if most is not None and (dead.effects > most or dead.is_more):
        number = f"more than {dead.effects:,}" if dead.is_more else f"{dead.effects:,}"
        see = "manage.py factos_effects list --state dead"
        are = "effect is" if dead.effects == 1 and not dead.is_more else "effects are"
        yield f"{number} {are} dead, of {most:,} allowed: {see}"
