"""What is promised, what would be a breach of it, and how often it could have been seen."""

from __future__ import annotations

from dataclasses import dataclass

from tests.gauntlet.outcome import DATABASES

__all__ = ["PROMISES", "Promise"]


@dataclass(frozen=True)
class Promise:
    """A line of the table of promises.

    Attributes:
        name: As docs/explanation/promises.md has it.
        breach: What would break it, in the plural.
        chances: Where it could have been broken, in words.
        guarantee: Under which name the checkers count breaches.
        of: Under which names the runs count the chances.
        where: The databases for which it is promised.
    """

    name: str
    breach: str
    chances: str
    guarantee: str
    of: tuple[str, ...]
    where: tuple[str, ...] = tuple(DATABASES.values())


PROMISES = (
    Promise(
        "G1 atomic",
        "facts of an append that was torn, was rolled back, or that nobody asked for",
        "facts",
        "G1",
        ("facts",),
    ),
    Promise(
        "G2 condition",
        "decisions that missed a fact, or were refused without cause",
        "decisions and races",
        "G2",
        ("decisions", "races"),
    ),
    Promise("G3 order", "pairs of transactions out of order", "pairs that met", "G3", ("meetings",)),
    Promise(
        "G4 no skip",
        "facts skipped, applied twice or out of order",
        "readings and facts followed",
        "G4",
        ("readings", "followed"),
    ),
    Promise(
        "G5 parallel",
        "appends that waited for a transaction with other tags",
        "appends that passed a held one",
        "G5",
        ("passing",),
        ("PostgreSQL",),
    ),
    Promise("G6 effects", "effects lost", "effects", "G6 lost", ("effects",)),
    Promise("G6 effects", "effects that no fact calls for", "effects", "G6 phantom", ("effects",)),
    Promise(
        "G6 effects", "effects of what was rolled back", "rollbacks", "G6 after rollback", ("rolled back",)
    ),
    Promise("G6 effects", "effects made by a rebuild", "rebuilds beside them", "G6 on rebuild", ("rebuilt",)),
    Promise("G6 effects", "effects out of order", "effects with an ordering key", "G6 order", ("ordered",)),
    Promise("G6 effects", "attempts not counted, or one too many", "effects", "G6 attempts", ("effects",)),
    Promise("G6 effects", "effects stuck", "effects", "G6 stuck", ("effects",)),
    Promise(
        "G7 rebuild",
        "rows that are not what the facts make",
        "snapshots compared, rebuilds and checks",
        "G7",
        ("looks", "rebuilt", "checked"),
    ),
    Promise(
        "G8 idempotent",
        "repetitions that recorded again, or were answered otherwise",
        "repetitions",
        "G8",
        ("repetitions",),
    ),
    Promise(
        "G9 durable",
        "appends acknowledged and lost",
        "appends acknowledged before a kill",
        "G9",
        ("acknowledged", "outlived"),
    ),
    Promise(
        "G10 progress",
        "waits beyond the limit",
        "appends beside a frozen process, and processes that were cut off",
        "G10",
        ("stalled", "resumed"),
    ),
    Promise("REST", "answers with 5xx", "requests", "5xx", ("requests",)),
    Promise("all", "failures that nobody asked for", "facts and tests", "errors", ("facts", "tests")),
)
