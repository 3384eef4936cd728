"""The table about the admin: each page over PostgreSQL and SQLite."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.bench import OURS, Bench
from tests.benchmarks.clients import run_clients
from tests.benchmarks.figures import percentile
from tests.benchmarks.report import rendered
from tests.benchmarks.tasks import Job, Result
from tests.markdown import table_of

__all__ = ["admin_table", "cells_of"]

#: Requests of each page, for each run that was asked for.
_REQUESTS = 10
#: What we want to reach (ms).
_AIM_OF_LISTS, _AIM = 50, 100
_HEADINGS = [
    "page",
    "statements, PostgreSQL",
    "PostgreSQL, p50 ms",
    "p99 ms",
    "statements, SQLite",
    "SQLite, p50 ms",
    "p99 ms",
    "aim, ms",
]


def admin_table(bench: Bench) -> str:
    """Measure each page on both databases; return the table in Markdown, and what was measured."""
    found = [_on_postgresql(bench), _on_sqlite(bench)]
    rows = [_HEADINGS, ["---", *["---:"] * 7], *(cells_of(name, found) for name in found[0])]
    lines = table_of(rows)
    facts, requests = bench.scale.big, bench.runs * _REQUESTS
    log = f"{facts:,} facts and {facts // 10:,} effects"
    how = f"{requests} requests of each page, one after another, by Django's test client"
    return f"{lines}\n- {log}; {how}\n- SQLite {sqlite3.sqlite_version}, a file\n"


def _on_postgresql(bench: Bench) -> Result:
    with bench.fresh(OURS) as database:
        return _measured(bench, bench.environment(OURS, database)["DATABASE_URL"])


def _on_sqlite(bench: Bench) -> Result:
    folder = tempfile.mkdtemp(prefix="factos-bench-")
    try:
        return _measured(bench, f"sqlite:///{Path(folder) / 'log.sqlite3'}")
    finally:
        shutil.rmtree(folder)


def _measured(bench: Bench, url: str) -> Result:
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.tally.settings",
        "DATABASE_URL": url,
        "DEBUG": "0",
    }
    job = Job("measure", log=bench.scale.big, count=bench.runs * _REQUESTS)
    (result,) = run_clients("tests.benchmarks.admin.client", environment, [job])
    return result


def cells_of(name: str, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the row of the page of this name."""
    cells = [name]
    for pages in found:
        took = pages[name]["milliseconds"]
        figures = (pages[name]["statements"], median(took), percentile(took, 99))
        cells += [rendered(each) for each in figures]
    return [*cells, str(_AIM_OF_LISTS if found[0][name]["is_list"] else _AIM)]
