"""``manage.py factos_projections``: see where projections stand, and let those that stopped go on."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from factos_django.core.errors import UnknownProjection
from factos_django.management.refusing import refusing
from factos_django.projections.resuming import leave_out, resume, skip
from factos_django.projections.states import needs_rebuild, state_of
from factos_django.registry import PROJECTIONS
from factos_django.store.database import database_for_writing


class Command(BaseCommand):
    """Lists, resumes and skips; exits with 1 where that is refused."""

    help = (
        "Lists projections, resumes one that stopped, or lets it go on without the fact that it stopped at."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the subcommands and options."""
        commands = parser.add_subparsers(dest="command", required=True, metavar="list|resume|skip")
        listing = commands.add_parser("list", help="where each stands")
        resuming = commands.add_parser("resume", help="try again at the fact that it stopped at")
        skipping = commands.add_parser("skip", help="park the fact that it stopped at, and go on")
        for each in (resuming, skipping):
            each.add_argument("name", metavar="NAME")
        skipping.add_argument(
            "--position", type=int, help="leave this fact out of the next rebuild, if it cannot be folded"
        )
        for each in (listing, resuming, skipping):
            each.add_argument("--database", choices=tuple(connections), help="that of the log")
            each.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what came of it."""
        using = database_for_writing(options["database"])
        act = {"list": _list, "resume": _resume, "skip": _skip}[options["command"]]
        with refusing(using, usage=(UnknownProjection,)):
            told, lines = act(options.get("name", ""), using, options.get("position"))
        self.stdout.write(json.dumps(told) if options["json"] else "\n".join(lines))


def _list(_: str, using: str, __: int | None) -> tuple[Any, list[str]]:
    told = [_told(each, using) for each in PROJECTIONS if each.takes_part(using)]
    return told, [_line(each) for each in told] or ["No projection is registered."]


def _told(projection: Any, using: str) -> dict[str, Any]:
    state = state_of(projection.name, using)
    return {
        "name": projection.name,
        "mode": projection.mode,
        "condition": state.condition if state else "new",
        "needs_rebuild": state is not None and needs_rebuild(projection, state),
        "position": state.position if state and not projection.inline else None,
        "failed_position": state.failed_position if state else None,
        "failed_at": state.failed_at.isoformat() if state and state.failed_at else None,
        "error": state.error if state else "",
    }


def _line(told: dict[str, Any]) -> str:
    where = "" if told["position"] is None else f" at {told['position']}"
    why = f": {told['error']} (position {told['failed_position']})" if told["error"] else ""
    stale = ", needs a rebuild" if told["needs_rebuild"] else ""
    return f"{told['name']} ({told['mode']}): {told['condition']}{where}{stale}{why}"


def _resume(name: str, using: str, _: int | None) -> tuple[Any, list[str]]:
    resumed = resume(name, using=using)
    said = f"{name} goes on." if resumed else f"{name} has not stopped; nothing was changed."
    return {"name": name, "resumed": resumed}, [said]


def _skip(name: str, using: str, position: int | None) -> tuple[Any, list[str]]:
    failure = skip(name, using=using) if position is None else leave_out(name, position, using=using)
    told = {"name": name, "skipped": failure.position, "event": str(failure.event), "error": failure.error}
    goes_on = "goes on" if position is None else "is rebuilt"
    return told, [f"{name} {goes_on} without position {failure.position}, which is parked: {failure.error}"]
