"""The demo's project on every database that answers: `default` (SQLite), `postgres` and `mariadb`.

FACTOS_TEST_POSTGRES_URL and FACTOS_TEST_MARIADB_URL say where the servers are, FACTOS_TEST_REDIS_URL and
FACTOS_TEST_RABBITMQ_URL where the brokers are, FACTOS_TEST_CHROMIUM where the browser is. What is found out
here stays in the environment, so that xdist workers and the processes that a test starts use the same.
"""

import atexit
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url

from demo_project.settings import (
    DEFAULT_AUTO_FIELD,
    INSTALLED_APPS,
    MIDDLEWARE,
    REST_FRAMEWORK,
    ROOT_URLCONF,
    SPECTACULAR_SETTINGS,
    STATIC_URL,
    STATICFILES_DIRS,
    TEMPLATES,
    USE_TZ,
    database,
)

INSTALLED_APPS = [*INSTALLED_APPS, "tests.boxoffice", "tests.ledger", "tests.oddities", "tests.parcels"]
MIDDLEWARE = [*MIDDLEWARE, "tests.csp.strict_policy"]

__all__ = [
    "DEFAULT_AUTO_FIELD",
    "INSTALLED_APPS",
    "MIDDLEWARE",
    "PASSWORD_HASHERS",
    "REST_FRAMEWORK",
    "ROOT_URLCONF",
    "SPECTACULAR_SETTINGS",
    "STATICFILES_DIRS",
    "STATIC_URL",
    "TEMPLATES",
    "USE_TZ",
]

SECRET_KEY = "for the tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # basic authentication at each request

SERVERS = {
    "postgres": os.environ.get("FACTOS_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
    "mariadb": os.environ.get("FACTOS_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/test"),
}

#: The brokers that tests of effects use; they need none.
BROKERS = {
    "redis": os.environ.get("FACTOS_TEST_REDIS_URL", "redis://127.0.0.1:6379/0"),
    "rabbitmq": os.environ.get("FACTOS_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}

#: The program that walks through the pages.
CHROMIUM = os.environ.get("FACTOS_TEST_CHROMIUM", "/usr/bin/chromium")


def connect_postgres(url: str) -> None:
    import psycopg

    psycopg.connect(url, connect_timeout=3).close()


def connect_mariadb(url: str) -> None:
    import MySQLdb

    server: Mapping[str, Any] = dj_database_url.parse(url)
    MySQLdb.connect(
        host=server["HOST"],
        port=server["PORT"] or 3306,
        user=server["USER"],
        password=server["PASSWORD"],
        database=server["NAME"],
        connect_timeout=3,
    ).close()


def connect_redis(url: str) -> None:
    import redis

    with redis.Redis.from_url(url, socket_connect_timeout=3) as client:
        client.ping()


def connect_rabbitmq(url: str) -> None:
    from kombu.connection import Connection

    with Connection(url, connect_timeout=3) as connection:
        transport = connection.transport
        transport.close_connection(transport.establish_connection())


def find_chromium(path: str) -> None:
    import playwright  # noqa: F401

    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is no program (FACTOS_TEST_CHROMIUM says where one is)")


def why_left_out(connect: Callable[[str], None], url: str) -> str | None:
    """Why the tests cannot use the server at this URL, or the program; None if they can."""
    try:
        connect(url)
    except Exception as error:  # a missing driver, a missing server, a refused login: each is a reason
        return " ".join(str(error).split())
    return None


def find_left_out() -> dict[str, str]:
    """The databases, brokers and browsers that the tests leave out, each with the reason."""
    if "FACTOS_TEST_LEFT_OUT" not in os.environ:
        connect = {
            "postgres": connect_postgres,
            "mariadb": connect_mariadb,
            "redis": connect_redis,
            "rabbitmq": connect_rabbitmq,
            "chromium": find_chromium,
        }
        servers = SERVERS | BROKERS | {"chromium": CHROMIUM}
        reasons = {name: why_left_out(connect[name], url) for name, url in servers.items()}
        found = {alias: reason for alias, reason in reasons.items() if reason is not None}
        os.environ["FACTOS_TEST_LEFT_OUT"] = json.dumps(found)
    return dict(json.loads(os.environ["FACTOS_TEST_LEFT_OUT"]))


def find_directory() -> Path:
    """The directory of this run's SQLite files; the process that made it removes it."""
    if "FACTOS_TEST_DIRECTORY" not in os.environ:
        maker, path = os.getpid(), tempfile.mkdtemp(prefix="factos-tests-")
        atexit.register(lambda: shutil.rmtree(path, ignore_errors=True) if os.getpid() == maker else None)
        os.environ["FACTOS_TEST_DIRECTORY"] = path
    return Path(os.environ["FACTOS_TEST_DIRECTORY"])


def test_database(url: str, **test: str) -> dict[str, Any]:
    """The database at this URL; no connection outlives its request, or the test database cannot go.

    None needs another, so a run of one database's tests makes that database alone.
    """
    return database(url) | {"CONN_MAX_AGE": 0, "TEST": {**test, "DEPENDENCIES": []}}


LEFT_OUT = find_left_out()

# Runs share the servers, so each has test databases of its own name: two may run side by side.
TEST_NAME = f"test_factos_{hashlib.sha256(str(find_directory()).encode()).hexdigest()[:8]}"

# The SQLite test database is a file, so that several processes can open it.
DATABASES = {
    "default": test_database(
        f"sqlite:///{quote(str(find_directory() / 'unused.sqlite3'))}",
        NAME=str(find_directory() / "test.sqlite3"),
    )
}
if "postgres" not in LEFT_OUT:
    DATABASES["postgres"] = test_database(SERVERS["postgres"], NAME=TEST_NAME)
if "mariadb" not in LEFT_OUT:
    DATABASES["mariadb"] = test_database(SERVERS["mariadb"], NAME=TEST_NAME, CHARSET="utf8mb4")
