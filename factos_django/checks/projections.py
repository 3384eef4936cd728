"""What is judged about projections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.core.checks import CheckMessage, Warning
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.checks.statements import rows_of
from factos_django.models import ProjectionState
from factos_django.projections.absence import absent_tables
from factos_django.projections.declaration import Projection
from factos_django.projections.keyed import KeyedRows
from factos_django.projections.states import needs_rebuild, new_state, state_of
from factos_django.registry import PROJECTIONS

__all__ = ["judged_projections", "without_log"]


def without_log(logs: Sequence[str]) -> Iterator[CheckMessage]:
    """Judge whether each projection is where a log is, among the databases ``logs``."""
    for projection in PROJECTIONS:
        if not any(projection.takes_part(alias) for alias in logs):
            yield Warning(
                f"Projection {projection.name} gets no fact: its tables are in no database with a log.",
                hint="Rows commit with what was folded: let the project's routers keep both in one database.",
                id="factos.W011",
            )


def judged_projections(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """Judge the projections of a database, over a connection."""
    if absent_tables([ProjectionState], connection.alias):
        return  # its migration comes later
    for projection in PROJECTIONS:
        if projection.takes_part(connection.alias):
            missing = absent_tables(projection.feed.models, connection.alias)
            yield from _without_tables(projection, missing, connection.alias)
            yield from _stale(projection, connection.alias)
            yield from () if missing else _inexact_keys(projection, connection)


def _without_tables(projection: Projection, missing: list[str], alias: str) -> Iterator[CheckMessage]:
    if missing:  # a warning: an error would stop the migrate that makes them
        yield Warning(
            f"Projection {projection.name} writes {', '.join(missing)}, which {alias!r} does not have.",
            hint="manage.py makemigrations and migrate, or let a router keep these models elsewhere.",
            id="factos.W009",
        )


def _stale(projection: Projection, alias: str) -> Iterator[CheckMessage]:
    state = state_of(projection.name, alias) or new_state(projection, alias)
    if needs_rebuild(projection, state):
        yield Warning(
            f"Projection {projection.name} on {alias!r} needs a rebuild: its rows are of other code.",
            hint=f"manage.py rebuild_projections {projection.name}",
            id="factos.W008",
        )


def _inexact_keys(projection: Projection, connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    if connection.vendor != "mysql" or not isinstance(projection.feed, KeyedRows):
        return
    shape = projection.feed.shape
    collations = dict(rows_of(connection, _COLLATIONS, [shape.model._meta.db_table]))
    for column in shape.keys:
        collation = collations.get(column.column)
        if collation and not collation.endswith("_nopad_bin"):
            yield Warning(
                f"{shape.model._meta.label}.{column.name} on {connection.alias!r}, a key of projection "
                f"{projection.name}, is compared by {collation}: two keys that it takes for one stop it.",
                hint="Make it a factos_django.models.fields.ExactCharField.",
                id="factos.W010",
            )


# Of text. A UUID is char(32) on older servers: hexadecimal digits, of one case.
_COLLATIONS = (
    "SELECT column_name, collation_name FROM information_schema.columns "
    "WHERE table_schema = database() AND table_name = %s AND data_type <> 'char'"
)
