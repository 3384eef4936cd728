"""Signals: sent after commit, ``send_robust``, each with ``using``, the alias of the database.

A receiver may miss what happened before a crash. What must happen is a reactor's, or a projection's.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["events_recorded", "projection_rebuilt", "projection_stopped"]

#: ``events``: the tuple of Recorded of one append.
events_recorded = Signal()
#: ``name`` of the projection, and the ``error`` in words.
projection_stopped = Signal()
#: ``name`` of the projection, and how many ``rows`` were put right.
projection_rebuilt = Signal()
