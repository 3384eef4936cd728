"""Publishing effects: many messages over one connection, which takes seconds where the broker hangs."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from kombu.exceptions import OperationalError

from factos_django.core.errors import BrokerUnavailable, NoBroker
from factos_django.effects.announcing import Outgoing
from factos_django.tasks.broker import bounded_connection, current, has_broker
from factos_django.tasks.messages import send

__all__ = ["published", "publishing_app", "send_now", "sent"]

logger = logging.getLogger(__name__)

#: Gives a connection to the broker of an app.
Connected: TypeAlias = Callable[[Any], AbstractContextManager[Any]]


def publishing_app() -> Any:
    """Return the Celery app that effects are published with; raise NoBroker."""
    app = current()
    if not (has_broker(app) or app.conf.task_always_eager):
        raise NoBroker
    return app


def published(outgoing: Iterable[Outgoing], using: str) -> Generator[Outgoing, None, None]:
    """Send one message for each of ``outgoing``, in order, and give each that was sent.

    What publishes for ``effects.relaying``. Where tasks run eagerly they are delivered here and now. One that
    cannot be sent for a reason of its own (its queue is declared otherwise) is logged and passed over.

    Raises:
        NoBroker: None is configured.
        BrokerUnavailable: It is down, or does not answer within seconds. What was not given is not sent.
    """
    app = publishing_app()
    if not app.conf.task_always_eager:
        yield from (each for each, _ in sent(app, ((each, using) for each in outgoing)))
        return
    for each in outgoing:
        send(app, each, using)
        yield each


def send_now(task: str, *arguments: Any) -> None:
    """Send a message to the task of this name, and no other; where tasks run eagerly, run it here and now.

    Raises:
        NoBroker: None is configured.
        BrokerUnavailable: It is down, does not answer within seconds, or does not take this message.
    """
    app = publishing_app()
    if app.conf.task_always_eager:
        app.tasks[task].apply_async(arguments)
        return
    with bounded_connection(app) as connection:
        producer, _ = _producer(connection, app)
        try:
            app.tasks[task].apply_async(arguments, producer=producer, retry=False)
        except Exception as error:
            raise BrokerUnavailable(reason=_in_words(error)) from error


def sent(
    app: Any, outgoing: Iterable[tuple[Outgoing, str]], connected: Connected = bounded_connection
) -> Iterator[tuple[Outgoing, str]]:
    """Send ``outgoing``, each with the alias of its database, as ``published`` does."""
    left = deque(outgoing)
    while left:
        with connected(app) as connection:
            yield from _sent_by(connection, app, left)


def _sent_by(connection: Any, app: Any, left: deque[tuple[Outgoing, str]]) -> Iterator[tuple[Outgoing, str]]:
    """Send what is ``left``, up to one that is refused: AMQP closes the channel after it."""
    producer, errors = _producer(connection, app)
    while left:
        effect, using = left[0]
        refused = False
        try:
            send(app, effect, using, producer=producer, retry=False)
        except errors as error:
            raise BrokerUnavailable(reason=_in_words(error)) from error
        except Exception as error:
            logger.error("%s %s cannot be published: %s", effect.name, effect.id, _in_words(error))
            refused = True
        yield left.popleft()
        if refused:
            connection.close()
            return


def _producer(connection: Any, app: Any) -> tuple[Any, tuple[type[Exception], ...]]:
    """Connect, and return what sends, with the errors that are the broker's and not the message's."""
    try:
        channel = connection.default_channel
    except Exception as error:
        raise BrokerUnavailable(reason=_in_words(error)) from error
    errors = (OperationalError, OSError, *connection.connection_errors)
    return app.amqp.Producer(channel, auto_declare=False), errors


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
