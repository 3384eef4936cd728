"""``python -m tests.history``: the long form of the run on each store, and a table of what it proved."""

from __future__ import annotations

import argparse
import logging
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.history.long_form import long_form, run_long_form, table  # noqa: E402 (it asks for the settings)
from tests.history.run import drawn_seed  # noqa: E402


def main() -> int:
    """Run what the command line asks for; return 1 if anything is wrong or too little was proved."""
    parser = argparse.ArgumentParser(prog="python -m tests.history", description=__doc__)
    parser.add_argument("--store", action="append", help="one of them alone; may be repeated")
    parser.add_argument("--seed", type=int, help="default: FACTOS_HISTORY_SEED, else a random one")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)  # no type derives the tags of a run
    cases = long_form(drawn_seed() if asked.seed is None else asked.seed)
    chosen = [cases[name] for name in asked.store or cases]
    left_out = [case.name for case in chosen if case.is_left_out]
    results = {case.name: run_long_form(case) for case in chosen if not case.is_left_out}
    sys.stdout.write(table(results))
    sys.stdout.write(f"left out, since the database does not answer: {left_out}\n" if left_out else "")
    good = all(good for _, good in results.values()) and not (left_out and os.environ.get("CI"))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
