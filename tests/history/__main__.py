"""``python -m tests.history``: the long forms of the runs on each store, and tables of what they proved.

One run is over the log (``tests.history``), one over the ledger, with its projections, followers and rebuilds
(``tests.projections.ledger_run``).
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.history import long_form as log  # noqa: E402 (it asks for the settings)
from tests.history.run import drawn_seed  # noqa: E402
from tests.projections.ledger_run import long_form as ledger  # noqa: E402

_RUNS: dict[str, Any] = {"log": log, "ledger": ledger}


def main() -> int:
    """Run what the command line asks for; return 1 if anything is wrong or too little was proved."""
    parser = argparse.ArgumentParser(prog="python -m tests.history", description=__doc__)
    parser.add_argument("--run", action="append", choices=_RUNS, help="one of them alone; may be repeated")
    parser.add_argument("--store", action="append", help="one of them alone; may be repeated")
    parser.add_argument("--seed", type=int, help="default: FACTOS_HISTORY_SEED, else a random one")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)  # no type derives the tags of a run
    seed = drawn_seed() if asked.seed is None else asked.seed
    good = [_is_good(_RUNS[name], seed, asked.store) for name in asked.run or _RUNS]
    return 0 if all(good) else 1


def _is_good(form: Any, seed: int, stores: list[str] | None) -> bool:
    """Run it on these stores, and say what it proved."""
    cases = form.long_form(seed)
    chosen = [cases[name] for name in stores or cases]
    left_out = [case.name for case in chosen if case.is_left_out]
    results = {case.name: form.run_long_form(case) for case in chosen if not case.is_left_out}
    sys.stdout.write(form.table(results) if results else "")
    sys.stdout.write(f"left out, since the database does not answer: {left_out}\n" if left_out else "")
    return all(good for _, good in results.values()) and not (left_out and os.environ.get("CI"))


if __name__ == "__main__":
    raise SystemExit(main())
