"""The bytes that a log takes on the server's disk."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.benchmarks.bench import OURS

__all__ = ["bytes_of_log"]

_SIZE = (
    "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname LIKE %s"
)


def bytes_of_log(connection: psycopg.Connection[Any], subject: str) -> int:
    """Return the bytes of the subject's tables, with their indexes and what else belongs to them."""
    tables = "factos\\_%" if subject == OURS else "%"  # Django's own are in the same database
    (size,) = connection.execute(_SIZE, [tables]).fetchone() or (0,)
    return int(size)
