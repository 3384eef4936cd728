"""Brokers of a run's own: a Redis and a RabbitMQ to be stopped, frozen and emptied, and a directory of files.

Only a run that strikes the broker needs a RabbitMQ of its own; others share the one that is there, by a queue
of their own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
from celery import Celery
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError

from tests.children import free_port
from tests.settings import BROKERS, LEFT_OUT

__all__ = ["Broker", "OwnBroker", "broker", "why_left_out"]

#: How long a broker may take to start (seconds).
_PATIENCE = 60

_RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class Broker(ABC):
    """Where messages wait."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The settings of who uses it."""

    @abstractmethod
    def messages(self) -> int:
        """Return how many messages it holds."""

    @abstractmethod
    def empty(self) -> None:
        """Throw all messages away."""

    @abstractmethod
    def start(self) -> None:
        """Start it; return when it answers."""

    @abstractmethod
    def end(self) -> None:
        """Leave nothing behind."""


_FILES = "filesystem://"


class Files(Broker):
    """A directory: Celery's filesystem transport."""

    def __init__(self, directory: Path) -> None:
        self._messages, self._control = directory / "messages", directory / "control"
        self._options = {
            "data_folder_in": str(self._messages),
            "data_folder_out": str(self._messages),
            "control_folder": str(self._control),
        }

    @property
    def settings(self) -> dict[str, Any]:
        return {"CELERY_BROKER_URL": _FILES, "CELERY_BROKER_TRANSPORT_OPTIONS": self._options}

    def start(self) -> None:
        for each in (self._messages, self._control):
            each.mkdir()
        # Kombu writes the file of the exchange before it locks it: of workers that begin at once, one would
        # find it empty, and end. So it is there before any of them.
        name = Celery(set_as_current=False).conf.task_default_queue
        with Connection(_FILES, transport_options=self._options) as connection:
            Queue(name, Exchange(name), routing_key=name).declare(channel=connection.default_channel)

    def messages(self) -> int:
        return sum(1 for _ in self._messages.iterdir())

    def empty(self) -> None:
        for each in list(self._messages.iterdir()):
            each.unlink(missing_ok=True)

    def end(self) -> None:
        """Its directory goes with that of the run."""


class SharedRabbitMQ(Broker):
    """A queue in the RabbitMQ that is there."""

    def __init__(self) -> None:
        self._queue = f"factos-test-{uuid.uuid4()}"
        self._connection = Connection(BROKERS["rabbitmq"])

    @property
    def settings(self) -> dict[str, Any]:
        return {"CELERY_BROKER_URL": self._connection.as_uri(include_password=True), **_queue(self._queue)}

    def start(self) -> None:
        """It is there."""

    def messages(self) -> int:
        return _waiting(self._connection, self._queue)

    def empty(self) -> None:
        self._connection.default_channel.queue_purge(self._queue)

    def end(self) -> None:
        with suppress(*_errors(self._connection)):
            self._connection.default_channel.queue_delete(self._queue)
            self._connection.default_channel.exchange_delete(self._queue)
        self._connection.release()


class OwnBroker(Broker):
    """A server of this run alone, on a port of its own."""

    name: str

    def __init__(self, directory: Path) -> None:
        self.directory = directory / self.name
        self.directory.mkdir()
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _command(self) -> tuple[list[str], dict[str, str]]:
        """Return what starts it, and what stands in its environment."""

    @abstractmethod
    def _answers(self) -> bool:
        """Tell whether it answers."""

    def start(self) -> None:
        command, environment = self._command()
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=os.environ | environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            assert self.process.poll() is None, (self.directory / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, f"{self.name} does not answer"
            time.sleep(0.05)

    def kill(self) -> int:
        """Kill it, and return its exit status."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait(_PATIENCE)

    def freeze(self) -> None:
        """Let it take connections, and answer nobody."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGCONT)

    def end(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(_PATIENCE)


class OwnRedis(OwnBroker):
    """A Redis that keeps nothing: where it is killed, all messages are lost."""

    name = "redis"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._client = redis.Redis(port=self.port, socket_timeout=5)

    @property
    def settings(self) -> dict[str, Any]:
        return {"CELERY_BROKER_URL": f"redis://127.0.0.1:{self.port}/0"}

    def _command(self) -> tuple[list[str], dict[str, str]]:
        options = [
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.directory),
        ]
        return ["redis-server", *options], {}

    def _answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self._client.ping())
        return False

    def messages(self) -> int:
        return int(self._client.llen("celery")) + int(self._client.hlen("unacked"))

    def empty(self) -> None:
        self._client.flushall()

    def end(self) -> None:
        self._client.close()
        super().end()


class OwnRabbitMQ(OwnBroker):
    """A RabbitMQ node whose queue and messages are durable: it has them when it is started again."""

    name = "rabbitmq"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._distribution = free_port()
        self._queue = "factos"
        self._connection = Connection(f"amqp://guest:guest@127.0.0.1:{self.port}//", connect_timeout=5)

    @property
    def settings(self) -> dict[str, Any]:
        return {"CELERY_BROKER_URL": self._connection.as_uri(include_password=True), **_queue(self._queue)}

    def _command(self) -> tuple[list[str], dict[str, str]]:
        plugins = self.directory / "enabled_plugins"
        plugins.write_text("[].\n")
        return [_RABBITMQ], {
            "HOME": str(self.directory),
            "RABBITMQ_NODENAME": f"factos{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.directory / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(self.directory / "none-either"),
        }

    def _answers(self) -> bool:
        with suppress(*_errors(self._connection)):
            self._connection.close()
            self._connection.ensure_connection(max_retries=1, interval_start=0, timeout=5)
            return bool(self._connection.connected)
        return False

    def messages(self) -> int:
        return _waiting(self._connection, self._queue)

    def empty(self) -> None:
        self._connection.default_channel.queue_purge(self._queue)

    def end(self) -> None:
        super().end()
        with suppress(*_errors(self._connection)):
            self._connection.release()


def _queue(name: str) -> dict[str, Any]:
    return {
        "CELERY_TASK_DEFAULT_QUEUE": name,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {"confirm_publish": True},
    }


def _waiting(connection: Connection, queue: str) -> int:
    """Return how many messages wait in a queue, those that a worker has fetched not among them."""
    try:
        return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
    except _errors(connection):  # there is no queue yet, which closes the channel
        connection.close()
        return 0


def _errors(connection: Connection) -> tuple[type[Exception], ...]:
    return (OSError, KombuError, *connection.connection_errors, *connection.channel_errors)


_KINDS: dict[str, Any] = {
    "files": Files,
    "redis": OwnRedis,
    "rabbitmq": OwnRabbitMQ,
    "shared rabbitmq": lambda _directory: SharedRabbitMQ(),
}


def why_left_out(kind: str) -> str:
    """Return why there is no broker of this kind here, or an empty string."""
    if kind == "redis" and shutil.which("redis-server") is None:
        return "there is no redis-server"
    if kind == "rabbitmq" and not Path(_RABBITMQ).exists():
        return f"there is no {_RABBITMQ}"
    if kind == "shared rabbitmq":
        return LEFT_OUT.get("rabbitmq", "")
    return ""


@contextmanager
def broker(kind: str, directory: Path) -> Iterator[Broker]:
    """Run a broker, which is not left behind."""
    made: Broker = _KINDS[kind](directory)
    try:
        made.start()
        yield made
    finally:
        made.end()
