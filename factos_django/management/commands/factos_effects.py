"""``manage.py factos_effects``: see what became of effects, and do something about those that failed."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from factos_django.core.errors import EffectError, UnknownEffect
from factos_django.effects.finding import EffectFilter, effects_matching
from factos_django.effects.steering import drop, prune, retry, retry_all
from factos_django.management.confirming import confirm
from factos_django.management.durations import duration
from factos_django.management.effect_text import (
    HEADINGS,
    effect_as_data,
    effect_as_lines,
    effect_as_row,
    effect_in_full,
)
from factos_django.management.exit_codes import REFUSED, USAGE
from factos_django.management.numbers import positive, whole
from factos_django.management.refusing import refusing
from factos_django.management.table import aligned
from factos_django.models import Effect
from factos_django.store.database import database_for_writing

__all__ = ["Command"]

_STATES = tuple(str(each.value) for each in Effect.State)
_SHOWN = 50


class Command(BaseCommand):
    """Lists, shows, retries, drops and prunes; exits with 1 where that is refused."""

    help = (
        "Lists effects, shows all that is known of one, has failed ones tried again, gives some up for a "
        "reason, or removes those that are long finished."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the subcommands and options."""
        commands = parser.add_subparsers(dest="command", required=True, metavar="list|show|retry|drop|prune")
        listing = commands.add_parser("list", help="those that are meant, the newest first")
        _add_filter(listing, _STATES)
        listing.add_argument("--limit", type=positive, default=_SHOWN, help="at most so many (%(default)s)")
        showing = commands.add_parser("show", help="all that is known of one")
        showing.add_argument("id", type=whole, metavar="ID")
        retrying, dropping = _add_retry(commands), _add_drop(commands)
        pruning = commands.add_parser("prune", help="remove what was done, or dropped, long ago")
        _add_older(pruning, "how long ago: 30d, 12h, 90s (FACTOS_EFFECT_RETENTION_DAYS)")
        for each in (listing, showing, retrying, dropping, pruning):
            each.add_argument("--database", choices=tuple(connections), help="that of the log")
            each.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what came of it."""
        using = database_for_writing(options["database"])
        act = {"list": _list, "show": _show, "retry": _retry, "drop": _drop, "prune": _prune}
        with refusing(using):
            told, lines = act[options["command"]](options, using)
        self.stdout.write(json.dumps(told, ensure_ascii=False) if options["json"] else "\n".join(lines))
        if isinstance(told, dict) and (errors := told.get("errors")):
            raise CommandError("\n".join(each["message"] for each in errors), returncode=REFUSED)


def _add_retry(commands: Any) -> CommandParser:
    made: CommandParser = commands.add_parser("retry", help="have them tried again at once")
    made.add_argument("ids", nargs="*", type=whole, metavar="ID")
    made.add_argument("--behind", action="store_true", help="and the dead ones behind it in its ordering key")
    made.add_argument("--all", action="store_true", help="all that are meant (those that are dead)")
    made.add_argument("--limit", type=positive, help="with --all: at most so many")
    made.add_argument("--no-input", "--noinput", action="store_false", dest="interactive", help="ask nothing")
    made.add_argument("--reason", default="", metavar="TEXT", help="why; it is kept")
    _add_filter(made, (Effect.State.DEAD.value, Effect.State.DROPPED.value, Effect.State.PENDING.value))
    _add_actor(made)
    return made


def _add_drop(commands: Any) -> CommandParser:
    made: CommandParser = commands.add_parser("drop", help="give them up: they are not delivered")
    made.add_argument("ids", nargs="+", type=whole, metavar="ID")
    made.add_argument("--reason", required=True, metavar="TEXT", help="why; it is kept")
    _add_actor(made)
    return made


def _add_filter(parser: CommandParser, states: tuple[str, ...]) -> None:
    add = parser.add_argument
    add("--state", choices=states)
    add("--name", help="that of the effect type")
    add("--reactor", metavar="NAME", help="who asked for it")
    add("--ordering-key", metavar="KEY")
    add("--event", type=UUID, metavar="ID", help="the fact that called for it, by its id")
    add("--position", type=whole, help="the same, by its position")
    _add_older(parser, "asked for longer ago: 30d, 12h, 15m, 90s")
    add("--newer-than", type=duration, metavar="AGE", help="asked for less long ago")


def _add_older(parser: CommandParser, help: str) -> None:
    parser.add_argument("--older-than", type=duration, metavar="AGE", help=help)


def _add_actor(parser: CommandParser) -> None:
    parser.add_argument("--actor", default=_user(), metavar="NAME", help="who does it; kept (%(default)s)")


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container may have no name for its user
        return ""


def _filter(options: dict[str, Any]) -> EffectFilter:
    same = ("state", "name", "reactor", "ordering_key", "position", "older_than", "newer_than")
    return EffectFilter(event_id=options["event"], **{name: options[name] for name in same})


def _list(options: dict[str, Any], using: str) -> tuple[Any, list[str]]:
    limit = options["limit"]
    found = list(effects_matching(_filter(options), limit=limit + 1, using=using).defer("data", "traceback"))
    rows = found[:limit]
    lines = list(aligned([HEADINGS, *(effect_as_row(row) for row in rows)])) if rows else ["No effect."]
    lines += [f"There are more than --limit {limit}."] if len(found) > limit else []
    return [effect_as_data(row) for row in rows], lines


def _show(options: dict[str, Any], using: str) -> tuple[Any, list[str]]:
    row = Effect.objects.using(using).filter(pk=options["id"]).first()
    if row is None:
        raise UnknownEffect(id=options["id"], using=using)
    told = effect_in_full(row)
    return told, list(effect_as_lines(told))


def _retry(options: dict[str, Any], using: str) -> tuple[Any, list[str]]:
    by = {"actor": options["actor"], "reason": options["reason"], "using": using}
    _refuse_what_contradicts(options)
    if options["all"]:
        number = _retry_all(options, by, using)
        return {"retried": number}, [f"{_effects(number)} due now."]
    return _one_by_one(options["ids"], lambda id: retry(id, behind=options["behind"], **by), "retried")


def _refuse_what_contradicts(options: dict[str, Any]) -> None:
    if bool(options["ids"]) is options["all"]:
        raise CommandError("Give the ids of effects, or --all.", returncode=USAGE)
    if options["all"] and options["behind"]:
        raise CommandError("--behind goes with ids: --all has those behind, too.", returncode=USAGE)
    if options["ids"] and (options["limit"] or _filter(options) != EffectFilter()):
        raise CommandError("Filters and --limit go with --all.", returncode=USAGE)


def _retry_all(options: dict[str, Any], by: dict[str, str], using: str) -> int:
    chosen = _filter({**options, "state": options["state"] or Effect.State.DEAD.value})
    if options["interactive"]:
        number = effects_matching(chosen, limit=options["limit"], using=using).count()
        confirm(f"Have {number:,} effects ({chosen.state}) in database {using!r} tried again?")
    return retry_all(chosen, limit=options["limit"], **by)


def _drop(options: dict[str, Any], using: str) -> tuple[Any, list[str]]:
    def give_up(id: int) -> int:
        drop(id, reason=options["reason"], actor=options["actor"], using=using)
        return 1

    return _one_by_one(options["ids"], give_up, "dropped")


def _one_by_one(ids: list[int], act: Callable[[int], int], did: str) -> tuple[Any, list[str]]:
    """Do it to each; one that is refused keeps nobody from the others."""
    number, errors = 0, []
    for id in dict.fromkeys(ids):
        try:
            number += act(id)
        except EffectError as error:
            errors.append({"id": id, "error": type(error).__name__, "message": str(error)})
    return {did: number, "errors": errors}, [f"{_effects(number)} {_DID[did]}."]


_DID = {"retried": "due now", "dropped": "dropped"}


def _prune(options: dict[str, Any], using: str) -> tuple[Any, list[str]]:
    number = prune(older_than=options["older_than"], using=using)
    return {"removed": number}, [f"{_effects(number)} removed."]


def _effects(number: int) -> str:
    return f"{number:,} effect{'' if number == 1 else 's'}"
