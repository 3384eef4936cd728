"""The databases of a run, on the server that the tests use. All of them go when it ends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

__all__ = ["Databases"]


class Databases:
    """Makes databases, each of a name of its own, and removes what it made.

    Attributes:
        url: Of the server, with the database that everybody may connect to.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._prefix = f"factos_bench_{secrets.token_hex(4)}"
        self._names: list[str] = []

    def make(self, template: str | None = None) -> str:
        """Make a database, empty or as a copy of another, and return its name."""
        name = f"{self._prefix}_{len(self._names)}"
        self._names.append(name)
        statement = (
            "CREATE DATABASE {name}" if template is None else "CREATE DATABASE {name} TEMPLATE {template}"
        )
        self._execute(statement, name=name, template=template or "")
        return name

    def remove(self, name: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=name)

    def remove_all(self) -> None:
        for name in self._names:
            self.remove(name)

    def vacuum(self, name: str) -> None:
        """Tidy up and count, as autovacuum would some time after a big import."""
        with self.connected(name) as connection:
            connection.execute("VACUUM (ANALYZE)")

    def checkpoint(self) -> None:
        """Let the server write what it has to, so that it does not while the next one is measured."""
        with self.connected() as connection:
            try:
                connection.execute("CHECKPOINT")
            except psycopg.errors.InsufficientPrivilege:
                return

    def url_of(self, name: str) -> str:
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def login(self) -> dict[str, str]:
        """What libpq knows of the server: host, port, user, password."""
        given = conninfo_to_dict(self.url)
        usual = {"host": "127.0.0.1", "port": "5432", "user": "postgres", "password": ""}
        return {key: str(given.get(key) or value) for key, value in usual.items()}

    @contextmanager
    def connected(self, name: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        url = self.url if name is None else self.url_of(name)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection

    def _execute(self, statement: str, **names: str) -> None:
        identifiers = {key: sql.Identifier(name) for key, name in names.items()}
        with self.connected() as connection:
            connection.execute(sql.SQL(statement).format(**identifiers))
