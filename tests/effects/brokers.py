"""Brokers that tests share with others without meeting them, and those of a test's own, to be stopped.

A ``Broker`` says what processes are to set to use it: hand ``**broker.settings`` to ``tests.children``, and
it to ``celery_worker``. Names of queues are new for each, and are removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from tests.children import Child, child
from tests.faults.servers import PATIENCE, program
from tests.settings import BROKERS, LEFT_OUT
from tests.stores import STORES, flushed

__all__ = [
    "PAIRS",
    "Broker",
    "OwnRedis",
    "broker_at",
    "celery_beat",
    "celery_worker",
    "on_brokers",
    "opened",
    "own_redis",
]

#: Databases with the brokers beside which tests run, if both answer.
PAIRS = [("default", "files"), ("postgres", "redis"), ("postgres", "rabbitmq"), ("mariadb", "redis")]


@dataclass(frozen=True)
class Broker:
    """A broker with a queue of its own.

    ``settings`` are CELERY_* of processes that use it.
    """

    kind: str
    settings: dict[str, Any]
    _app: list[Celery] = field(default_factory=list)

    @property
    def queue(self) -> str:
        return str(self.settings["CELERY_TASK_DEFAULT_QUEUE"])

    @property
    def app(self) -> Celery:
        """A Celery app that can send anything to it, and knows no task."""
        if not self._app:
            made = Celery("of a test", set_as_current=False)
            made.conf.update(
                {name.removeprefix("CELERY_").lower(): each for name, each in self.settings.items()}
            )
            self._app.append(made)
        return self._app[0]

    def waiting(self) -> int:
        """Return how many messages are in its queue, delivered to nobody."""
        with self.app.connection_for_write() as connection, contextlib.suppress(LookupError):
            queue = self.app.amqp.queues[self.queue].bind(connection.default_channel)
            return int(queue.queue_declare(passive=False).message_count)
        return 0

    def purge(self) -> None:
        """Lose every message that waits."""
        with self.app.connection_for_write() as connection:
            self.app.amqp.queues[self.queue].bind(connection.default_channel).purge()

    def remove(self) -> None:
        """Remove what it has left on a server that others use."""
        if self.kind == "rabbitmq":
            with self.app.connection_for_write() as connection:
                connection.default_channel.queue_delete(self.queue)
                connection.default_channel.exchange_delete(self.queue)
        elif self.kind == "redis":
            prefix = self.settings["CELERY_BROKER_TRANSPORT_OPTIONS"]["global_keyprefix"]
            with redis.Redis.from_url(self.settings["CELERY_BROKER_URL"]) as client:
                if keys := list(client.scan_iter(f"{prefix}*")):
                    client.delete(*keys)
        if self._app:
            self._app[0].close()


def broker_at(kind: str, url: str, **options: Any) -> Broker:
    """Return the broker at ``url``; ``options`` are those of its transport."""
    name = f"factos-test-{uuid.uuid4().hex[:12]}"
    if kind == "redis":
        options = {"global_keyprefix": f"{name}:", **options}
    settings = {
        "CELERY_BROKER_URL": url,
        "CELERY_BROKER_TRANSPORT_OPTIONS": options,
        "CELERY_TASK_DEFAULT_QUEUE": name,
        "CELERY_WORKER_ENABLE_REMOTE_CONTROL": False,  # or workers of several tests would meet
    }
    return Broker(kind, settings)


@contextmanager
def opened(kind: str) -> Iterator[Broker]:
    """Give a broker of this kind: ``files``, ``redis`` or ``rabbitmq``. Nothing of it is left behind."""
    if kind == "files":
        with _by_files() as broker:
            yield broker
        return
    if kind in LEFT_OUT:
        pytest.skip(f"{kind} is left out: {LEFT_OUT[kind]}")
    broker = broker_at(kind, BROKERS[kind])
    try:
        yield broker
    finally:
        broker.remove()


@contextmanager
def _by_files() -> Iterator[Broker]:
    directory = Path(tempfile.mkdtemp(prefix="factos-messages-"))
    for name in ("messages", "control"):
        (directory / name).mkdir()
    folder = str(directory / "messages")
    options = {"data_folder_in": folder, "data_folder_out": folder}
    try:
        yield broker_at("files", "filesystem://", control_folder=str(directory / "control"), **options)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def on_brokers(*kinds: str) -> Any:
    """Parametrise a test by ``store`` and ``broker``, over PAIRS (of these kinds) of which both answer."""
    stores = {store.using: store for store in reversed(STORES)}
    cases = [
        pytest.param(stores[using], kind, id=f"{stores[using].id}-{kind}", marks=[flushed(using)])
        for using, kind in PAIRS
        if using in stores and kind not in LEFT_OUT and (not kinds or kind in kinds)
    ]
    return pytest.mark.parametrize(("store", "broker"), cases, indirect=True)


@contextmanager
def celery_worker(broker: Broker | dict[str, Any], *arguments: str, **settings: Any) -> Iterator[Child]:
    """Run a Celery worker, which is not left behind. By default it is one process."""
    quiet = ["--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    pool = [] if "--pool" in arguments else ["--pool", "solo"]
    with _celery("worker", broker, *quiet, *pool, *arguments, **settings) as started:
        yield started


@contextmanager
def celery_beat(broker: Broker | dict[str, Any], schedule: str, **settings: Any) -> Iterator[Child]:
    """Run Celery beat, which keeps its own book in the file ``schedule``."""
    with _celery("beat", broker, "--schedule", schedule, **settings) as started:
        yield started


@contextmanager
def _celery(
    command: str, broker: Broker | dict[str, Any], *arguments: str, **settings: Any
) -> Iterator[Child]:
    started = [sys.executable, "-m", "celery", "-A", "tests.celery_app", command, *arguments]
    used = broker.settings if isinstance(broker, Broker) else broker
    with child(*started, **{**used, **settings}) as process:
        yield process


class OwnRedis:
    """A Redis of a test's own, which keeps nothing on disk."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.broker = broker_at("redis", f"redis://127.0.0.1:{self.port}/0")

    def start(self) -> None:
        """Start it; return when it answers."""
        command = [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--appendonly", "no", "--dir", str(self.directory)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, (self.directory / "log").read_text()[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill it, with all that it holds."""
        if self.process is not None:
            self.thaw()
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None

    def freeze(self) -> None:
        """Let it take connections (the kernel does), and answer nobody."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def flush(self) -> None:
        """Lose everything that it holds."""
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    """Give a Redis that is not started yet; it is not left behind."""
    directory = Path(tempfile.mkdtemp(prefix="factos-redis-"))
    server = OwnRedis(directory)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)
