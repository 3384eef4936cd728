"""Signals: sent after commit, ``send_robust``, each with ``using``, the alias of the database.

``append_rejected`` tells of what is never committed: it is sent after the rollback.
A receiver may miss what happened before a crash. What must happen is a reactor's, or a projection's.
"""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import Signal

__all__ = [
    "append_rejected",
    "effect_dead",
    "effect_delivered",
    "effect_failed",
    "events_recorded",
    "projection_rebuilt",
    "projection_stopped",
    "tell",
]

logger = logging.getLogger(__name__)

#: ``events``: the tuple of Recorded of one append.
events_recorded = Signal()
#: ``error``: an append or a dispatch was refused, since its context moved, or its idempotency key or event
#: ids were used before for something else (AppendConditionFailed, IdempotencyKeyReused, EventIdReused). Sent
#: before the error reaches the caller, once the refused work is rolled back and its guards are given up.
#: There is no commit to wait for. In a transaction of the caller's it is sent inside of that, for each try.
append_rejected = Signal()
#: ``name`` of the projection, and the ``error`` in words.
projection_stopped = Signal()
#: ``name`` of the projection, and how many ``rows`` were put right.
projection_rebuilt = Signal()
#: The ``effect`` and its ``delivery``: the handler has returned.
effect_delivered = Signal()
#: The ``effect`` and its ``delivery``, the ``error`` and the number of the ``attempt``: another one follows.
effect_failed = Signal()
#: The ``effect`` and its ``delivery``: no other attempt is made. The effect is None where it could not be
#: read, or its worker died.
effect_dead = Signal()


def tell(signal: Signal, **said: Any) -> None:
    """Send ``signal`` to all of its receivers; the errors of those that fail are logged."""
    for receiver, answer in signal.send_robust(sender=None, **said):
        if isinstance(answer, Exception):
            logger.error("A receiver of a signal failed: %r", receiver, exc_info=answer)
