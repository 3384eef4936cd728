"""What travels by the broker: the id of a row, and in a header the alias of its database.

Nothing of an effect is in its message, so whoever can send messages can have an effect delivered that is due,
and no other.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, router

from factos_django.effects.announcing import Outgoing
from factos_django.effects.delivering import deliver
from factos_django.models import Effect
from factos_django.registry import HANDLERS

__all__ = ["TASK_PREFIX", "delivered_by_message", "known_database", "send"]

#: The name of the task of an effect type is this and its name.
TASK_PREFIX = "factos.effect."

_DATABASE = "factos_database"


def send(app: Any, outgoing: Outgoing, using: str, **options: Any) -> None:
    """Send the message of one effect, whose handler this process knows.

    ``options`` are those of ``apply_async``.
    """
    handler = HANDLERS.named(outgoing.name)
    if handler is not None and handler.queue is not None:  # as an attribute of the task it is deprecated
        options = {"queue": handler.queue, **options}
    app.tasks[TASK_PREFIX + outgoing.name].apply_async((outgoing.id,), headers={_DATABASE: using}, **options)


def delivered_by_message(name: str, id: Any, request: Any) -> str:
    """Deliver the effect that a message to the task of ``name`` is about; return what came of it."""
    using, handler = _database(request), HANDLERS.named(name)
    if using is None or handler is None or isinstance(id, bool) or not isinstance(id, int):
        return "ignored"
    return deliver(id, handler, using).outcome.value


def known_database(using: object) -> bool:
    """Tell whether ``using``, which came in a message, is the alias of a database that holds effects."""
    return isinstance(using, str) and using in connections and bool(router.allow_migrate_model(using, Effect))


def _database(request: Any) -> str | None:
    """Return the alias in the message, if a log may be there; without one, where effects are written."""
    using = (getattr(request, "headers", None) or {}).get(_DATABASE) or router.db_for_write(Effect)
    return using if known_database(using) else None
