"""The facts and decisions of these tests: a decision is a function of the texts it saw."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db import connections

from factos_django import AppendCondition, Decider, Proposed, Query, QueryItem, Recorded
from factos_django.dispatch import Dispatched
from factos_django.testing.contract import Counted, Noted

__all__ = [
    "Deciding",
    "Texts",
    "add",
    "everything_in",
    "hold_tags",
    "in_lock_order",
    "noted",
    "saw",
    "since",
    "tagged",
    "texts",
    "weighing",
]

Texts: TypeAlias = tuple[str, ...]
Deciding: TypeAlias = Callable[[Texts], Sequence[Any]]

weighing: Decider[Deciding, Texts, Any] = Decider(
    initial=(),
    decide=lambda seen, deciding: deciding(seen),
    evolve=lambda seen, event: (*seen, str(event.number) if isinstance(event, Counted) else event.text),
)


def noted(text: str, *tags: str) -> Proposed[Noted]:
    """A fact with these tags."""
    return Proposed(Noted(text), tags=tags)


@dataclass(frozen=True)
class Add:
    """Decide to add one fact, whatever was seen."""

    text: str
    tags: tuple[str, ...]

    def __call__(self, _seen: Texts) -> Sequence[Any]:
        return [noted(self.text, *self.tags)]


def add(text: str, *tags: str) -> Deciding:
    """The command to add one fact with these tags."""
    return Add(text, tags)


def tagged(*tags: str) -> Query:
    """The facts that carry all of these tags."""
    return Query.of(QueryItem(tags=tags))


def since(query: Query, after: int | None = None) -> AppendCondition:
    """No fact of ``query`` above ``after``."""
    return AppendCondition(query, after)


def texts(recorded: Iterable[Recorded[Any]]) -> list[str]:
    """What the facts say."""
    return [each.event.text for each in recorded]


def saw(done: Dispatched[Any]) -> Texts:
    """What the decision saw."""
    assert done.context is not None, "it was decided before"
    state: Texts = done.context.state
    return state


def everything_in(using: str) -> list[tuple[int, str]]:
    """Every committed fact, by the table and not by ``read``: position and text."""
    with connections[using].cursor() as cursor:
        text = "data->>'text'" if connections[using].vendor != "mysql" else "json_value(data, '$.text')"
        cursor.execute(f"SELECT position, {text} FROM factos_event ORDER BY position")
        return list(cursor.fetchall())


def hold_tags(using: str, *guards: str, shares: Sequence[str] = ()) -> None:
    """Take the locks of these tags as an append of another process would."""
    items = json.dumps([{"tags": [tag], "types": []} for tag in guards])
    request = json.dumps({"whole_log": False, "keys": [], "shares": list(shares), "rows": []})
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT factos_hold_4(%s, %s)", [request, items])


def shares_beside_a_tagless_item(using: str, tag: str) -> bool:
    """Take the locks of an item without a tag, which there are none of, and ask for a share of ``tag``."""
    request = json.dumps({"whole_log": False, "keys": [], "shares": [], "rows": []})
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT factos_hold_4(%s, %s)", [request, json.dumps([{"tags": [], "types": ["x"]}])])
        cursor.execute("SELECT factos_share_2(%s, '[]')", [json.dumps([tag])])
        return bool(cursor.fetchone()[0])


def in_lock_order(count: int, using: str = "postgres") -> list[str]:
    """Tags that PostgreSQL locks one after the other, in this order: that of their hashes."""
    by_hash = 'SELECT tag FROM unnest(%s::text[]) AS tag ORDER BY hashtext(tag COLLATE "C")'
    with connections[using].cursor() as cursor:
        cursor.execute(by_hash, [[f"subject:{n}" for n in range(count)]])
        return [row[0] for row in cursor.fetchall()]
