"""Ask the API more than ``make test`` does: ``python -m tests.rest.fuzz --seeds 1,2,3 --examples 200``."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys

from demo_project.settings import BASE_DIR


def main(arguments: list[str]) -> int:
    """Run tests/rest/test_schemathesis.py on every store, with these seeds; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default=",".join(str(random.randrange(2**32)) for _ in range(3)))
    parser.add_argument("--examples", type=int, default=200, help="of each method of each address")
    parser.add_argument("rest", nargs="*", help="is handed to pytest")
    chosen = parser.parse_args(arguments)
    sys.stdout.write(f"seeds {chosen.seeds}, {chosen.examples} examples of each\n")
    sys.stdout.flush()
    environment = {
        **os.environ,
        "FACTOS_TEST_FUZZ_SEEDS": chosen.seeds,
        "FACTOS_TEST_FUZZ_EXAMPLES": str(chosen.examples),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:logging", "--tb=short", "-n", "auto"]
    tests = "tests/rest/test_schemathesis.py"
    done = subprocess.run([*command, tests, *chosen.rest], cwd=BASE_DIR, env=environment, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
