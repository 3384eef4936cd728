"""Where a bounded reading starts: the entries of one index that hold given values, in order of positions.

Each is written so that the database can answer it by that index alone, from the position where a page begins,
whatever it guesses of the values: who looks at a few entries has looked at a few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from factos_django.sql.metadata_index import indexed_expression, indexed_part
from factos_django.store.matching import Fragment, Slice

__all__ = ["Start", "entries", "everything", "of_metadata", "of_tag", "of_type", "order_of"]


@dataclass(frozen=True, slots=True)
class Start:
    """The entries of an index that hold ``values``; without them all rows of the event table.

    Attributes:
        table: With its alias.
        position: The column of the position, which comes last in the index.
        columns: What comes first in the index, as SQL.
        values: What is wanted there.
    """

    table: str
    position: str
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


def everything() -> Start:
    """Return the start from the rows of the event table."""
    return Start("factos_event e", "e.position")


def of_type(name: str) -> Start:
    """Return the start from the facts of a type."""
    return Start("factos_event e", "e.position", ("e.type",), (name,))


def of_tag(value: str, type: str | None = None) -> Start:
    """Return the start from the facts with a tag, and of a type if it is given."""
    types = () if type is None else (type,)
    return Start("factos_tag t", "t.event_id", ("t.value", "t.type")[: 1 + len(types)], (value, *types))


def of_metadata(vendor: str, key: str, value: str) -> Start:
    """Return the start from the facts whose metadata may say that ``key`` is ``value``.

    Others with the same beginning are among them, and values that are no strings.
    """
    expression = indexed_expression(vendor, key)
    return Start("factos_event e", "e.position", (expression,), (indexed_part(value),))


def entries(start: Start, part: Slice, most: int, vendor: str) -> Fragment:
    """Return a SELECT of the first ``most`` entries of ``part``: ``position``, and what ``order_of`` names.

    Some can lie beyond the far end of ``part``, unless that is closed.
    """
    names = [f", {column} AS k{n}" for n, column in enumerate(start.columns)]
    where, parameters = _where(start, part, vendor)
    ordered = [*(start.columns if vendor != "sqlite" else ()), start.position]
    return (
        f"SELECT {start.position} AS position{''.join(names)} FROM {start.table} WHERE {where} "
        f"ORDER BY {_ordered(ordered, part)} LIMIT %s",
        [*parameters, most],
    )


def order_of(start: Start, part: Slice) -> str:
    """Return by what the entries are in order already, for a statement around theirs."""
    return _ordered([*(f"k{n}" for n in range(len(start.columns))), "position"], part)


def _ordered(columns: Sequence[str], part: Slice) -> str:
    return ", ".join(f"{column} {'DESC' if part.backwards else 'ASC'}" for column in columns)


def _where(start: Start, part: Slice, vendor: str) -> Fragment:
    if not start.columns:
        return _by_position(start, part)
    if vendor == "postgresql":
        return _as_pair(start, part)
    wheres = [where for column in start.columns for where in _equal(column, vendor)]
    values = [value for value in start.values for _ in _equal("", vendor)]
    bounds = [f"{start.position} > %s", f"{start.position} <= %s"]
    return " AND ".join([*wheres, *bounds]), [*values, part.after, part.upto]


def _by_position(start: Start, part: Slice) -> Fragment:
    if part.is_closed:
        return f"{start.position} > %s AND {start.position} <= %s", [part.after, part.upto]
    # Only the bound that it starts from: see matching._bounded.
    sign, bound = ("<=", part.upto) if part.backwards else (">", part.after)
    return f"{start.position} {sign} %s", [bound]


def _equal(column: str, vendor: str) -> Iterator[str]:
    if vendor == "mysql":  # see Slice.as_ranges
        yield from (f"{column} >= %s", f"{column} <= %s")
    else:
        yield f"{column} = %s"


def _as_pair(start: Start, part: Slice) -> Fragment:
    """Return the bound that it starts from as a comparison of pairs, and where the value ends by itself.

    Of an equality alone PostgreSQL thinks that positions give the same order, and reads the table by them
    where a value is on many of its rows. Of a pair it knows where to begin, and not where to end: so the far
    end of ``part`` is not in it.
    """
    *columns, last = start.columns
    *values, value = start.values
    pair, beyond, bound = ("<=", ">=", part.upto) if part.backwards else (">", "<=", part.after)
    where = [*(f"{column} = %s" for column in columns), f"{last} {beyond} %s"]
    where.append(f"({last}, {start.position}) {pair} (%s, %s)")
    where.append(f"{last} IS NOT NULL")  # some of the indexes hold these rows only
    return " AND ".join(where), [*values, value, value, bound]
