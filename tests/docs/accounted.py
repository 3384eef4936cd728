"""What is not run as it stands on a page, and why. Whatever is not named here is run, and has to work."""

from __future__ import annotations

__all__ = ["FROM_NOTHING", "IN_ORDER", "NOT_READ", "NOT_RUN", "RUN_ELSEWHERE", "UNTIL_SEEN"]

#: Pages that begin in an empty directory. The others have a project from the beginning.
FROM_NOTHING = {"tutorial/tickets"}

#: Pages whose blocks are done one after another. Of the others the files are written first, all of them.
IN_ORDER = {*FROM_NOTHING, "how-to/migrate-a-model", "how-to/version-payloads"}

#: Pages that tests of their own run: the test, which is about this page.
RUN_ELSEWHERE = {
    "reference/commands": "tests/reference/test_commands.py",
    "reference/rest-api": "tests/rest/test_docs.py",
}

_VENV = "the tests have an environment; tests/packaging installs the wheel into one of its own"
_ENDLESS = "it runs until it is told to end; "
_REDIS = f"{_ENDLESS}and the page names Redis: tests/effects and the tutorial run workers"
_FOLLOWS = f"{_ENDLESS}tests/projections/test_run_projections.py runs it"
_GAUNTLET = "it takes an hour, or ten minutes, and writes the page: tests/gauntlet/test_gauntlet.py"
_BENCH = "it measures for minutes, and writes the page: tests/benchmarks"

#: Commands of a page that are not run, and why.
NOT_RUN: dict[tuple[str, str], str] = {
    ("performance", "make bench"): _BENCH,
    ("performance", 'make bench ARGS="--short"'): _BENCH,
    ("performance", 'make bench ARGS="--part rest"'): _BENCH,
    ("performance", 'make bench ARGS="--only hot --runs 5"'): _BENCH,
    ("performance", 'make bench ARGS="--huge"'): _BENCH,
    ("performance", ".venv/bin/python -m tests.benchmarks.processor_time"): _BENCH,
    (
        "performance",
        ".venv/bin/python -m tests.benchmarks --only effects --only reactor-up --only reactor-hanging",
    ): _BENCH,
    ("reliability", "make gauntlet"): _GAUNTLET,
    ("reliability", "make gauntlet-short"): _GAUNTLET,
    ("reliability", 'make gauntlet SEED=7 ARGS="--record runs.jsonl"'): _GAUNTLET,
    ("reliability", '.venv/bin/python -m tests.gauntlet "server killed" "disk full"'): _GAUNTLET,
    ("tutorial/tickets", "python3 -m venv .venv"): _VENV,
    ("tutorial/tickets", ". .venv/bin/activate"): _VENV,
    ("tutorial/tickets", "python -m pip install factos-django"): _VENV,
    ("how-to/effects", "celery -A mysite worker -Q celery,mail"): _REDIS,
    ("how-to/effects", "manage.py run_factos"): _FOLLOWS,
    ("how-to/projections", "manage.py run_projections"): _FOLLOWS,
    ("how-to/multi-database", "manage.py run_factos --database billing"): _FOLLOWS,
}

#: Commands that the reader ends with Ctrl-C once they have printed what the page says; so does the test.
UNTIL_SEEN = {("tutorial/tickets", "celery -A mysite worker --pool solo --loglevel INFO")}

#: Blocks of other languages that nobody parses, by their page and first line, and why.
_DEPLOYED = "tests/docs/test_deploy.py grants it"
NOT_READ: dict[tuple[str, str], str] = {
    (
        "how-to/deploy",
        "ALTER ROLE mysite_web SET idle_in_transaction_session_timeout = '60s';",
    ): _DEPLOYED,
    (
        "how-to/deploy",
        "GRANT SELECT, INSERT ON factos_event, factos_tag, factos_idempotencykey TO mysite_web;",
    ): _DEPLOYED,
}
