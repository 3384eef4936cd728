"""``python -m tests.effects.effect_run``: every blow on every store and broker, and a table of that."""

from __future__ import annotations

import argparse
import logging
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.effects.effect_run import long_form as form  # noqa: E402 (it asks for the settings)
from tests.history.run import drawn_seed  # noqa: E402


def main() -> int:
    """Run what the command line asks for; return 1 if anything is wrong or too little was proved."""
    parser = argparse.ArgumentParser(prog="python -m tests.effects.effect_run", description=__doc__)
    parser.add_argument("case", nargs="*", help="words of a case, as in the table; default: all cases")
    parser.add_argument("--seed", type=int, help="default: FACTOS_HISTORY_SEED, else a random one")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    seed = drawn_seed() if asked.seed is None else asked.seed
    chosen = [each for each in form.long_form(seed) if all(word in each.name for word in asked.case)]
    left_out = [f"{each.name}: {each.why_left_out}\n" for each in chosen if each.why_left_out]
    sys.stdout.write(f"seed {seed}\n{form.heading()}")
    good = [_is_good(each) for each in chosen if not each.why_left_out]
    sys.stdout.write(f"left out:\n{''.join(left_out)}" if left_out else "")
    return 0 if all(good) and not (left_out and os.environ.get("CI")) else 1


def _is_good(case: form.Case) -> bool:
    report, good = form.run_long_form(case)
    sys.stdout.write(form.line(case, report, good=good))
    sys.stdout.flush()
    return good


if __name__ == "__main__":
    raise SystemExit(main())
