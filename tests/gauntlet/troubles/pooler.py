"""PgBouncer before the tests' PostgreSQL, in transaction mode: the sessions are lent, a transaction each."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.children import free_port
from tests.faults.servers import found_program, unprivileged

__all__ = ["pooler", "why_no_pooler"]

#: How long it may take to start (seconds).
_PATIENCE = 20

_CONFIGURATION = """\
[databases]
* = {server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
"""


def why_no_pooler() -> str:
    """Return why there is no PgBouncer here, or an empty string."""
    return "" if found_program("pgbouncer") else "pgbouncer is not installed"


@contextmanager
def pooler(server: Mapping[str, Any], sessions: int) -> Iterator[dict[str, Any]]:
    """Lend so many sessions of this server; give what DATABASES says of the pooler."""
    directory, port = Path(tempfile.mkdtemp(prefix="factos-pooler-")), free_port()
    file = directory / "pgbouncer.ini"
    file.write_text(_CONFIGURATION.format(server=_words(server), own_port=port, sessions=sessions))
    directory.chmod(0o755)
    process = subprocess.Popen(
        [str(found_program("pgbouncer")), "-q", str(file)],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **unprivileged(),
    )
    try:
        _await(port)
        yield {"HOST": "127.0.0.1", "PORT": str(port), "DISABLE_SERVER_SIDE_CURSORS": True}
    finally:
        process.kill()
        process.wait(_PATIENCE)
        shutil.rmtree(directory)


def _words(server: Mapping[str, Any]) -> str:
    """Return the server as PgBouncer has it, without what has no value."""
    named = {
        "host": server["HOST"] or "127.0.0.1",
        "port": server["PORT"] or 5432,
        "user": server["USER"],
        "password": server["PASSWORD"],
    }
    return " ".join(f"{name}={value}" for name, value in named.items() if value)


def _await(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError("pgbouncer does not answer")
