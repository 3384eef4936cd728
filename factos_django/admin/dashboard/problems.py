"""What somebody has to look at: the same as ``status.health`` finds, and effects that are dead.

Said again in the user's language, without the commands of a shell, and with a link.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from factos_django.admin.dashboard.glance import Glance
from factos_django.admin.dashboard.links import Links
from factos_django.admin.dashboard.log_figures import held_by
from factos_django.admin.projections.durations import duration_in_words
from factos_django.admin.projections.numbers import counted
from factos_django.status import EffectsStatus, LogStatus, ProjectionStatus

__all__ = ["Problem", "problems_of"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One of them.

    Attributes:
        text: What it is.
        url: Where more is said of it; empty for nowhere.
    """

    text: str
    url: str = ""


def problems_of(found: Glance, links: Links, *, with_data: bool) -> list[Problem]:
    """Return the problems among what was looked at; errors are quoted for who may see the data of facts."""
    problems = [] if found.log is None else [*_of_log(found.log)]
    for projection in found.projections or ():
        problems += _of_projection(projection, links, with_data)
    return problems if found.effects is None else [*problems, *_of_effects(found.effects, links)]


def _of_log(log: LogStatus) -> Iterator[Problem]:
    if log.is_held_too_long and log.holder is not None:
        words = _("The head is held at #%(head)s, for %(age)s, by %(who)s: its append is open.")
        known = {
            "head": log.head,
            "age": duration_in_words(log.holder.seconds or 0),
            "who": held_by(log.holder),
        }
        yield Problem(words % known)


def _of_projection(projection: ProjectionStatus, links: Links, with_data: bool) -> Iterator[Problem]:
    if projection.condition == "stopped":
        yield Problem(_stopped(projection, with_data), links.projection(projection.name))
    if projection.needs_rebuild:
        text = _("%(name)s needs a rebuild.") % {"name": projection.name}
        yield Problem(text, links.projection(projection.name))


def _stopped(projection: ProjectionStatus, with_data: bool) -> str:
    error = projection.last_error
    if error is None or error.position is None:
        return _("%(name)s has stopped.") % {"name": projection.name}
    if not with_data:
        return _("%(name)s has stopped at #%(position)s.") % {
            "name": projection.name,
            "position": error.position,
        }
    words = _("%(name)s has stopped at #%(position)s: %(error)s")
    return words % {"name": projection.name, "position": error.position, "error": error.error}


def _of_effects(effects: EffectsStatus, links: Links) -> Iterator[Problem]:
    dead = effects.dead
    if dead.effects:
        words = ngettext("%(number)s effect is dead.", "%(number)s effects are dead.", dead.effects)
        yield Problem(words % {"number": counted(dead.effects, is_more=dead.is_more)}, links.effects("dead"))
