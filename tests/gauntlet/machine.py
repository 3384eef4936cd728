"""Where and of what a run of the gauntlet was made."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator

import psycopg
from django.db import connections

from tests.benchmarks.circumstances import circumstances
from tests.settings import DATABASES, SERVERS

__all__ = ["machine"]


def machine() -> Iterator[str]:
    """Yield what a reader has to know to judge the tables, a line each."""
    if "postgres" in DATABASES:
        with psycopg.connect(SERVERS["postgres"]) as connection:
            yield from (line.removeprefix("- ") for line in circumstances(connection).splitlines())
    yield f"SQLite {sqlite3.sqlite_version}, files"
    if "mariadb" in DATABASES:
        with connections["mariadb"].cursor() as cursor:
            cursor.execute("SELECT version()")
            yield f"MariaDB: {cursor.fetchone()[0]}"
    yield f"Redis: {_told('redis-server', '--version')}"
    yield f"RabbitMQ: {_told('dpkg-query', '-W', '-f', '${Version}', 'rabbitmq-server')}"
    yield f"PgBouncer: {_told('/usr/sbin/pgbouncer', '--version')}"


def _told(*command: str) -> str:
    """Return the first line that a command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "not installed"
    return (done.stdout.splitlines() or [""])[0]
