"""Where and of what a run was made: machine, server, versions, revision."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psycopg

__all__ = ["circumstances"]

_PACKAGES = (
    "Django",
    "psycopg",
    "psycopg-binary",
    "celery",
    "redis",
    "djangorestframework",
    "gunicorn",
    "eventsourcing",
)
_SETTINGS = (
    "synchronous_commit",
    "fsync",
    "full_page_writes",
    "wal_level",
    "wal_sync_method",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "max_connections",
    "jit",
)
_ROOT = Path(__file__).resolve().parents[2]


def circumstances(connection: psycopg.Connection[Any]) -> str:
    """A Markdown list of what a reader has to know to judge the numbers."""
    return "".join(f"- {line}\n" for line in _lines(connection))


def _lines(connection: psycopg.Connection[Any]) -> Iterator[str]:
    yield f"date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"revision: {_revision()}"
    yield f"machine: {_processor()}, {os.cpu_count()} cores, {_memory()}; {_system()}"
    yield f"server, {_where(connection)}: {_one(connection, 'version()')}"
    settings = (f"{name}={_one(connection, f'current_setting({name!r})')}" for name in _SETTINGS)
    yield f"its settings: {', '.join(settings)}"
    packages = (f"{name} {_version(name)}" for name in _PACKAGES)
    yield f"clients: Python {platform.python_version()}, {', '.join(packages)}"
    factos = sorted(f"{name}={value}" for name, value in os.environ.items() if _is_setting(name))
    yield f"settings of factos_django: {', '.join(factos) or 'its defaults'}"


def _is_setting(name: str) -> bool:
    return name.startswith("FACTOS_") and not name.startswith("FACTOS_TEST_")


def _where(connection: psycopg.Connection[Any]) -> str:
    near = connection.info.host in ("127.0.0.1", "::1", "localhost")
    return "on the machine of the clients, by TCP" if near else "not on the machine of the clients"


def _one(connection: psycopg.Connection[Any], expression: str) -> str:
    (value,) = connection.execute(f"SELECT {expression}").fetchone() or (None,)
    return str(value)


def _revision() -> str:
    revision = _git("rev-parse", "--short=12", "HEAD")
    return f"{revision}, with changes that are not committed" if _git("status", "--porcelain") else revision


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _processor() -> str:
    found = _found_in("/proc/cpuinfo", r"^model name\s*: (.*)$")
    return found or platform.processor() or platform.machine()


def _memory() -> str:
    kibibytes = _found_in("/proc/meminfo", r"^MemTotal:\s*(\d+) kB$")
    return f"{int(kibibytes) / 2**20:.0f} GiB of memory" if kibibytes else "memory unknown"


def _found_in(path: str, pattern: str) -> str:
    file = Path(path)
    found = re.search(pattern, file.read_text(), re.MULTILINE) if file.exists() else None
    return found[1].strip() if found else ""


def _system() -> str:
    kernel, _, _ = platform.release().partition("-")
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {kernel}"
    except OSError:
        return platform.platform()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
