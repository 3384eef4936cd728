"""The broker: whether there is one, and a connection to it that hangs for no longer than a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app

__all__ = [
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
    options = {**_USUAL, **app.conf.broker_transport_options, **_BOUNDED}
    with app.connection_for_write(connect_timeout=_PATIENCE, transport_options=options) as connection:
        yield connection
