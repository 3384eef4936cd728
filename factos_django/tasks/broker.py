"""The broker: whether there is one, and a connection to it that hangs for no longer than a moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from celery import current_app

__all__ = [
    "KeptConnection",
    "accepts_pickle",
    "bounded_connection",
    "current",
    "has_broker",
    "publishes_unconfirmed",
    "remember_current",
]

#: How long one step of sending may take (seconds).
_PATIENCE = 2.0
#: The same in the words of Redis and of AMQP, and of kombu, which by itself tries for ever. Other transports
#: read none of them.
_BOUNDED = {
    "socket_connect_timeout": _PATIENCE,
    "socket_timeout": _PATIENCE,
    "read_timeout": _PATIENCE,
    "write_timeout": _PATIENCE,
    "max_retries": 0,
}
#: RabbitMQ says that it has a message, unless the project wants it otherwise.
_USUAL = {"confirm_publish": True}

#: A connection that was not used for so long is not used again (seconds).
_SILENT_FOR = 10.0

_of_the_project: Any = None


def remember_current() -> None:
    """Remember the current app, for threads that have none of their own; called when Django is ready.

    Celery keeps the current app for each thread, and the project made its own in the one that set Django up.
    In any other, as those of a web server, Celery would give one without settings.
    """
    global _of_the_project
    app = current_app._get_current_object()
    _of_the_project = None if _is_made_up(app) else app


def current() -> Any:
    """Return the Celery app of this thread, else that of the project."""
    app = current_app._get_current_object()
    return app if _of_the_project is None or not _is_made_up(app) else _of_the_project


def _is_made_up(app: Any) -> bool:
    """Tell whether ``app`` is the one that Celery makes where there is none."""
    return app.main == "default" and not app.set_as_current


def has_broker(app: Any) -> bool:
    """Tell whether ``app`` sends messages to a broker."""
    return bool(app.conf.broker_write_url) and not app.conf.task_always_eager


def accepts_pickle(app: Any) -> bool:
    """Tell whether the workers of ``app`` take messages that can run anything."""
    return bool({"pickle", "application/x-python-serialize"} & set(app.conf.accept_content or ()))


def publishes_unconfirmed(app: Any) -> bool:
    """Tell whether the project wants RabbitMQ not to be asked whether it has a message."""
    url = str(app.conf.broker_write_url).strip("['\"")  # one, or several
    unconfirmed = not {**_USUAL, **app.conf.broker_transport_options}["confirm_publish"]
    return has_broker(app) and url.startswith(("amqp", "pyamqp", "librabbitmq")) and unconfirmed


@contextmanager
def bounded_connection(app: Any) -> Iterator[Any]:
    """Give a connection for messages; whatever it does ends within seconds, by an error."""
    with _connection(app) as connection:
        yield connection


def _connection(app: Any) -> Any:
    options = {**_USUAL, **app.conf.broker_transport_options, **_BOUNDED}
    return app.connection_for_write(connect_timeout=_PATIENCE, transport_options=options)


class KeptConnection:
    """A connection that one thread keeps from turn to turn: to make another takes longer than to send.

    It is given up when something failed, and when it was not used for a while: a broker, or what is between,
    ends a connection that is silent.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know of no connection: in a forked process it is its parent's, and is left alone."""
        self._app: Any = None
        self._connection: Any = None
        self._used = 0.0

    @contextmanager
    def __call__(self, app: Any) -> Iterator[Any]:
        """Give the connection, as ``bounded_connection`` does."""
        if not self._is_good_for(app):
            self._give_up()
            self._app, self._connection = app, _connection(app)
        try:
            yield self._connection
        except BaseException:
            self._give_up()
            raise
        self._used = time.monotonic()

    def _is_good_for(self, app: Any) -> bool:
        is_fresh = time.monotonic() - self._used < _SILENT_FOR
        return is_fresh and self._app is app and bool(self._connection.connected)

    def _give_up(self) -> None:
        if self._connection is not None:
            with suppress(Exception):  # it is broken, perhaps
                self._connection.close()
        self.forget()
