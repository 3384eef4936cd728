"""``python -m tests.mutants``: hunt every mutant, and print the table of kills."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from tests.mutants.hunt import Hunt, hunt
from tests.mutants.patches import MUTANTS, Mutant

#: How long a mutant may hide (seconds).
PATIENCE = 100


def main() -> int:
    """Hunt those that the command line names; return 1 if one survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("name", nargs="*", help="words of a name; default: all mutants")
    parser.add_argument("--seed", type=int, default=os.environ.get("FACTOS_HISTORY_SEED") or None)
    asked = parser.parse_args()
    chosen = [each for each in MUTANTS if not asked.name or any(word in each.name for word in asked.name)]
    sys.stdout.write(f"{'mutant':<57}{'store':<15}{'seconds':>7}  {'seed':<12}found by\n")
    hunts = list(_hunted(chosen, asked.seed))
    sys.stdout.write(f"{sum(each.killed for each in hunts)} of {len(hunts)} mutants were killed\n")
    return 0 if all(each.killed for each in hunts) else 1


def _hunted(mutants: list[Mutant], seed: int | None) -> Iterator[Hunt]:
    for mutant in mutants:
        done = hunt(mutant, PATIENCE, seed)
        found_by = ", ".join(done.found_by) or "SURVIVED"
        sys.stdout.write(
            f"{mutant.name:<57}{mutant.store:<15}{done.seconds:>7.1f}  {done.seed:<12}{found_by}\n"
        )
        sys.stdout.write("" if done.killed else f"{done.what}\n")
        sys.stdout.flush()
        yield done


if __name__ == "__main__":
    raise SystemExit(main())
