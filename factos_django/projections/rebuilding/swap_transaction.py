"""The one short transaction in which rows are put in place, while appends or a follower wait for it.

Each of its waits is bounded, and it ends even if its worker freezes in the middle of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from factos_django.conf import lock_timeout_milliseconds
from factos_django.projections.batch_transaction import batch_transaction
from factos_django.store.waits import bounded_waits

__all__ = ["swap_transaction"]


@contextmanager
def swap_transaction(using: str) -> Iterator[None]:
    """Run the block in it; raise what ``guarded_work`` does.

    An application that has locked rows of a projection, and appends then, waits for the gate while the swap
    waits for its rows: without a limit both would, and behind them everybody.
    """
    connection = connections[using]
    with batch_transaction(using), bounded_waits(using):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                limit = f"{lock_timeout_milliseconds()}ms"
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [limit])
        yield
