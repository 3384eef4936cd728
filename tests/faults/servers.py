"""Database servers of a test's own, to be killed and started again; at their durable defaults.

They listen on a socket in their own directory alone, so that many may run side by side. A killed server
loses what it had not handed to the operating system yet. What only a power failure takes is not shown.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.scratch import connected_anew
from tests.stores import STORES

__all__ = ["Server", "found_program", "on_own_servers", "own_server", "program", "unprivileged"]

#: How long a server may take to start, or to die (seconds).
PATIENCE = 60
#: Who runs the servers when the tests run as root, which servers refuse: the first of these that exists.
UNPRIVILEGED = ("postgres", "mysql", "nobody")


class Server(ABC):
    """A server with its data in ``directory``; made, and not yet started."""

    def __init__(self, directory: Path, options: Sequence[str]) -> None:
        self.directory = directory
        self.options = options
        self.data = directory / "data"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What DATABASES says of it."""

    @abstractmethod
    def create(self) -> None:
        """Make its directory of data."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return what starts it, in the foreground."""

    def start(self) -> None:
        """Start it; ``await_answer`` tells when it answers."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(self._command(), stdout=log, stderr=log, **self._place())

    def kill(self) -> None:
        """Kill it and all its processes at once, and return when they are dead."""
        if self.process is None:
            return
        # A server that is stopped begets no child between the count of them and their end.
        os.kill(self.process.pid, signal.SIGSTOP)
        children = _children(self.process.pid)
        for pid in (self.process.pid, *children):
            _kill(pid)
        self.process.wait(PATIENCE)
        _await(lambda: not any(map(_lives, children)), "its processes die")
        self.process = None

    def restart(self, using: str, *options: str) -> None:
        """Kill it, and start it again, with other options if any are given; return when it answers."""
        self.kill()
        self.options = options or self.options
        self.start()
        self.await_answer(using)

    def await_answer(self, using: str) -> None:
        """Return when it takes connections."""
        with closing(_outside(using)) as connection:
            _await(lambda: self._answers(connection), "the server answers")

    def _answers(self, connection: BaseDatabaseWrapper) -> bool:
        if self.process is not None and self.process.poll() is not None:
            pytest.fail(f"the server has ended:\n{(self.directory / 'log').read_text()[-3000:]}")
        try:
            connection.ensure_connection()
        except Error:
            return False
        return True

    def run(self, *command: str | Path) -> None:
        """Run a program of the server to its end; it fails the test if it fails."""
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self._place(), check=False
        )
        assert done.returncode == 0, done.stdout.decode()

    def _place(self) -> dict[str, Any]:
        """Return where its programs run, and as whom; servers that share a TMPDIR can meet there."""
        return {"cwd": self.directory, "env": os.environ | {"TMPDIR": str(self.directory)}, **unprivileged()}


class OwnPostgres(Server):
    """PostgreSQL as initdb leaves it."""

    @property
    def settings(self) -> dict[str, Any]:
        return {"NAME": "factos", "USER": "postgres", "PASSWORD": "", "HOST": str(self.directory), "PORT": ""}

    def create(self) -> None:
        # Not synced: that is about the time before the test.
        self.run(_postgres("initdb"), "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")

    def _command(self) -> list[str]:
        listen = ["-k", str(self.directory), "-c", "listen_addresses="]
        options = [part for option in self.options for part in ("-c", option)]
        return [_postgres("postgres"), "-D", str(self.data), *listen, *options]


class OwnMariadb(Server):
    """MariaDB without any configuration."""

    @property
    def settings(self) -> dict[str, Any]:
        return {"NAME": "factos", "USER": "root", "PASSWORD": "", "HOST": self._socket, "PORT": ""}

    @property
    def _socket(self) -> str:
        return str(self.directory / "socket")

    def create(self) -> None:
        made = ["--auth-root-authentication-method=normal", "--skip-name-resolve", "--skip-test-db"]
        self.run(program("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}", *made)

    def _command(self) -> list[str]:
        listen = ["--skip-networking", f"--socket={self._socket}", f"--pid-file={self.directory / 'pid'}"]
        options = [f"--{option}" for option in self.options]
        return [program("mariadbd"), "--no-defaults", f"--datadir={self.data}", *listen, *options]


_SERVERS: dict[str, type[Server]] = {"postgres": OwnPostgres, "mariadb": OwnMariadb}


def on_own_servers(*aliases: str) -> Any:
    """Parametrise a test by ``store``: one for each of these aliases that answered (default: all)."""
    found = {store.using: store for store in reversed(STORES) if store.using in (aliases or _SERVERS)}
    marks = [pytest.mark.django_db(transaction=True, databases=list(django_settings.DATABASES))]
    cases = [pytest.param(store, id=store.id, marks=marks) for store in found.values()]
    return pytest.mark.parametrize("store", cases, indirect=True)


@contextmanager
def own_server(using: str, *options: str, within: Path | None = None) -> Iterator[Server]:
    """Let the alias ``using`` stand for a new server with an empty log, inside the block.

    Args:
        using: ``postgres`` or ``mariadb``.
        options: Settings of the server, each as ``name=value``.
        within: Where its directory is made; default: where all temporary directories are.
    """
    directory = Path(tempfile.mkdtemp(prefix="factos-server-", dir=within))
    if uid := unprivileged().get("user"):
        os.chown(directory, uid, -1)
    server = _SERVERS[using](directory, options)
    try:
        server.create()
        server.start()
        with connected_anew(using, **server.settings):
            server.await_answer(using)
            _make_database(using)
            yield server
    finally:
        server.kill()
        shutil.rmtree(directory)


def _make_database(using: str) -> None:
    characters = " CHARACTER SET utf8mb4" if using == "mariadb" else ""
    with closing(_outside(using)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE factos{characters}")
    call_command("migrate", database=using, verbosity=0)


def _outside(using: str) -> BaseDatabaseWrapper:
    """Return a new connection to a database that every such server has."""
    connection = connections[using].copy()
    connection.settings_dict["NAME"] = {"postgres": "postgres", "mariadb": "mysql"}[using]
    return connection


def unprivileged() -> dict[str, Any]:
    """Return as whom a server's programs run, for subprocess: as ourselves, unless we are root."""
    if os.geteuid() != 0:
        return {}
    known = {each.pw_name: each for each in pwd.getpwall()}
    found = next((known[name] for name in UNPRIVILEGED if name in known), None)
    return {} if found is None else {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def _postgres(name: str) -> str:
    """Return the path of a program of PostgreSQL, which Debian keeps out of PATH; the newest of several."""
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name))
    return program(name, *reversed(kept))


def found_program(name: str, *directories: Path) -> str | None:
    """Return the path of a program, which Debian may keep out of PATH, or None."""
    places = [*map(str, directories), os.environ.get("PATH", os.defpath), "/usr/sbin"]
    return shutil.which(name, path=os.pathsep.join(places))


def program(name: str, *directories: Path) -> str:
    """Return the path of a program; without it there is no such test, which in CI is an error."""
    if found := found_program(name, *directories):
        return found
    reason = f"{name} is not installed, so there is no server to kill"
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI every database is tested: {reason}")
    pytest.skip(reason)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    """Tell whether the process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _await(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never seen: {what}"
        time.sleep(0.02)
