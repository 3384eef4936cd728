"""The mutants: the shipped code with one mistake each, that the checkers have to find."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.gauntlet.outcome import Outcome
from tests.gauntlet.scenario import Case, Scenario
from tests.mutants.hunt import hunt
from tests.mutants.mutant import Mutant
from tests.mutants.patches import MUTANTS

__all__ = ["HUNT"]

#: How long a mutant may hide (seconds).
_PATIENCE = 100
#: One for a run over the log, one for one over the ledger, one that a test of the suite finds.
_SOME = ("check before lock", "case-insensitive tags", "unfenced worker", "effect key by list index alone")


def _cases(seed: int, short: bool) -> Iterator[Case]:
    for mutant in MUTANTS:
        if not short or mutant.name in _SOME:
            yield Case(f"{mutant.store}: {mutant.name}", partial(_run, mutant, seed))


def _run(mutant: Mutant, seed: int) -> Outcome:
    done = hunt(mutant, _PATIENCE, seed)
    return Outcome(
        HUNT.name,
        f"{mutant.store}: {mutant.name}",
        done.seed,
        done.seconds,
        counts={"mutants": 1, "killed": int(done.killed)},
        problems=() if done.killed else (f"it survived: {done.what}",),
        labels={"mutant": mutant.name, "found by": ", ".join(done.found_by)},
    )


HUNT = Scenario(
    "mutants",
    "The app with one mistake in it that is easily made; a run, or a test, has to find it.",
    "the checkers themselves",
    _cases,
)
