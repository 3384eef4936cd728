"""The broker: whether there is one, and a connection to it that hangs for no longer than a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app

__all__ = ["bounded_connection", "current", "has_broker"]

#: How long one step of sending may take (seconds).
_PATIENCE = 2.0
#: The same in the words of Redis and of AMQP. Other transports read none of them.
_BOUNDED = {
    "socket_connect_timeout": _PATIENCE,
    "socket_timeout": _PATIENCE,
    "read_timeout": _PATIENCE,
    "write_timeout": _PATIENCE,
}


def current() -> Any:
    """Return the Celery app of this process."""
    return current_app._get_current_object()


def has_broker(app: Any) -> bool:
    """Tell whether ``app`` sends messages to a broker."""
    return bool(app.conf.broker_write_url) and not app.conf.task_always_eager


@contextmanager
def bounded_connection(app: Any) -> Iterator[Any]:
    """Give a connection for messages; whatever it does ends within seconds, by an error."""
    with app.connection_for_write(connect_timeout=_PATIENCE, transport_options=_BOUNDED) as connection:
        yield connection
