"""Brokers of a measurement: Redis with workers or without, one that is down, and one that never answers."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import redis

from tests.benchmarks.clients import ClientFailed
from tests.settings import BROKERS

__all__ = ["CONDITIONS", "workers"]

_ROOT = Path(__file__).resolve().parents[2]
#: What tells a client of its broker, in its environment.
Environment = Mapping[str, str]


@contextmanager
def up() -> Iterator[Environment]:
    """Redis, with keys of our own, which go afterwards."""
    prefix = f"factos-bench-{secrets.token_hex(4)}:"
    client = redis.Redis.from_url(BROKERS["redis"])
    try:
        client.ping()
    except redis.RedisError as error:
        raise ClientFailed(f"{BROKERS['redis']} does not answer: {error}") from error
    try:
        yield _environment(BROKERS["redis"], global_keyprefix=prefix)
    finally:
        if keys := list(client.scan_iter(f"{prefix}*")):
            client.delete(*keys)
        client.close()


@contextmanager
def down() -> Iterator[Environment]:
    """A port where nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    yield _environment(f"redis://127.0.0.1:{port}/0")


@contextmanager
def hanging() -> Iterator[Environment]:
    """A server that takes connections and says nothing. (The kernel takes them; nobody reads.)"""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=1000)) as listener:
        yield _environment(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")


CONDITIONS = {"up": up, "down": down, "hanging": hanging}


@contextmanager
def workers(environment: Environment, number: int) -> Iterator[None]:
    """A Celery worker of so many processes, gone after the block.

    It may not be ready when the block begins; whoever waits for an effect waits for it.
    """
    command = [
        *(sys.executable, "-m", "celery", "-A", "tests.benchmarks.tally.celery_app", "worker"),
        *("--concurrency", str(number), "--loglevel", "ERROR", "--without-gossip", "--without-mingle"),
    ]
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        env={**os.environ, **environment, "PYTHONWARNINGS": "ignore"},  # of who runs it
        stdout=subprocess.DEVNULL,  # a greeting; what goes wrong is told on the other
        start_new_session=True,
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with its children
        process.wait()


def _environment(url: str, **options: str) -> Environment:
    return {
        "CELERY_BROKER_URL": url,
        "CELERY_BROKER_TRANSPORT_OPTIONS": json.dumps(options),
        "CELERY_WORKER_ENABLE_REMOTE_CONTROL": "false",  # or it would meet the workers of others
    }
