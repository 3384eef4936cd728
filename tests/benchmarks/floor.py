"""The floor: the same rows written and read without any event store, by pgbench where it can.

Its databases are copies of ours, so the tables have the same columns and indexes. No guard, no check, no
encoding; pgbench is written in C and sends prepared statements.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.facts import TYPE, Fact, contexts_of_log

__all__ = ["PgBench", "PgBenchFailed", "find_pgbench", "lasting", "replay", "script_of"]

# pgbench puts its variables in wherever a colon stands before a letter, in quotes too.
_DATA = Fact("", "").data.decode()
_COLUMNS = "id, type, version, data, metadata, decision, tags, recorded_at"
_DRAW = "\\set n random(1, 1000000000000)\n"
_SELECT = (
    "SELECT position, id, type, version, data::text, metadata::text, tags::text, recorded_at "
    "FROM factos_event"
)
_READ = (
    f"{_SELECT} WHERE position IN (SELECT event_id FROM factos_tag WHERE value = 'context:' || :n) "
    "ORDER BY position;"
)
_PAGE = f"{_SELECT} WHERE position > %s ORDER BY position LIMIT 1000"


def script_of(name: str, *, tenant: str = "", batch: int = 1, log: int = 0) -> str:
    """The script by which pgbench does what the task of that name does, without an event store."""
    beside = f"'{tenant}'" if tenant else ":n"
    known = f"\\set n random(0, {contexts_of_log(log) - 1})\n"
    insert = _insert(":n", beside)
    return {
        "append": f"{_DRAW}{insert}",
        "append_batches": _DRAW + _insert(":n || '-' || row", ":n || '-' || row", batch),
        "append_known": known + _insert(":n", "'new'"),
        "dispatch_and_hold": f"{_DRAW}BEGIN;\n{insert}\n\\sleep 50 ms\nCOMMIT;",
        "read_context": f"{known}{_READ}",
    }[name]


def _insert(context: str, tenant: str, rows: int = 1) -> str:
    """One statement that writes so many events, and two tags of each."""
    tags = f"jsonb_build_array('context:' || {context}, 'tenant:' || {tenant})"
    return (
        f"WITH event AS (INSERT INTO factos_event ({_COLUMNS}) "
        f"SELECT gen_random_uuid(), '{TYPE}', 1, '{_DATA}'::jsonb, '{{}}'::jsonb, NULL, {tags}, now() "
        f"FROM generate_series(1, {rows}) AS row RETURNING position, tags) "
        "INSERT INTO factos_tag (event_id, value, type) "
        f"SELECT position, jsonb_array_elements_text(tags), '{TYPE}' FROM event;"
    )


def lasting(seconds: float) -> tuple[str, str]:
    """The option that sets how long pgbench runs; it knows whole seconds."""
    return "-T", str(max(round(seconds), 1))


def find_pgbench() -> str | None:
    """The path of pgbench, which Debian keeps beside the server."""
    if found := shutil.which("pgbench"):
        return found
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), key=lambda p: int(p.parts[-3]))
    return str(servers[-1]) if servers else None


class PgBenchFailed(Exception):
    """pgbench refused its script, or the server did."""


@dataclass(frozen=True, slots=True)
class PgBench:
    """pgbench, its login, and a database."""

    program: str
    environment: dict[str, str]

    def per_second(self, script: str, *, clients: int, seconds: float) -> float:
        """Transactions a second."""
        said = self._run(script, "-c", str(clients), "-j", str(min(clients, 2)), *lasting(seconds))
        found = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
        assert found is not None, said
        return float(found[1])

    def milliseconds(self, script: str, *how_long: str) -> list[float]:
        """How long each transaction of one client took; ``-t`` or ``-T`` tells how many."""
        with tempfile.TemporaryDirectory() as directory:
            self._run(script, "-c", "1", "-l", f"--log-prefix={directory}/log", *how_long)
            lines = "".join(path.read_text() for path in Path(directory).iterdir()).splitlines()
        return [int(line.split()[2]) / 1000 for line in lines]

    def _run(self, script: str, *arguments: str) -> str:
        command = [self.program, "-n", "-M", "prepared", "-f", "-", *arguments]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            command, input=script, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PgBenchFailed(f"{done.stderr}\n{script}")
        return done.stdout


def replay(connection: psycopg.Connection[Any]) -> float:
    """Rows a second of the whole log, read in pages of 1000 and decoded into nothing but tuples."""
    begun, count, after = time.perf_counter(), 0, 0
    page: Sequence[tuple[Any, ...]]
    while page := connection.execute(_PAGE, [after]).fetchall():
        count += len(page)
        after = page[-1][0]
    return count / (time.perf_counter() - begun)
