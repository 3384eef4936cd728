"""The form that builds a query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from factos_django.admin.explorer.address import Address, ItemText
from factos_django.conf import conf
from factos_django.core.event_types import EVENT_TYPES
from factos_django.store.names import types_beside

__all__ = ["Form", "ItemFields", "form_of"]

#: So many types are looked for in the log, beside those that are registered (types).
_MOST_OF_LOG = 100
#: A page offers so many types to choose, in all of its items (boxes), but this many in each.
_MOST_OFFERED, _LEAST_OFFERED = 3_000, 20


@dataclass(frozen=True, slots=True)
class ItemFields:
    """The fields of one item.

    Attributes:
        number: Which item; "{number}" in that from which a script makes others.
        types: Names of types, and whether they are chosen.
        tags: Tags, an empty one at the end for a further one.
        type_errors: What is wrong with the types, as sentences.
        tag_errors: What is wrong with the tags.
    """

    number: int | str
    types: Sequence[tuple[str, bool]]
    tags: Sequence[str]
    type_errors: Sequence[str] = ()
    tag_errors: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """What the form shows.

    Attributes:
        address: What was asked for.
        items: Its items, one at least.
        empty_item: What a further item begins as.
        offers_all_types: Whether all types that are known can be ticked; if not, others can be written.
        may_add: Whether there may be a further item.
        errors: See ``Asked``.
    """

    address: Address
    items: Sequence[ItemFields]
    empty_item: ItemFields
    offers_all_types: bool
    may_add: bool
    errors: dict[str, list[str]]


def form_of(address: Address, errors: dict[str, list[str]], using: str) -> Form:
    """Return the form of what ``address`` asks; of too many items only so many as there may be."""
    most = conf.MAX_QUERY_ITEMS
    items = address.items[:most] or (ItemText(),)
    known = _known_types(using)
    offered = known[: max(_LEAST_OFFERED, _MOST_OFFERED // len(items))]
    return Form(
        address,
        items=list(_fields(items, offered, errors)),
        empty_item=ItemFields("{number}", [(name, False) for name in offered], [""]),
        offers_all_types=offered == known,
        may_add=len(items) < most,
        errors=errors,
    )


def _known_types(using: str) -> list[str]:
    """Return the types that are registered, and some that only the log holds, in order."""
    declared = [kind.name for kind in EVENT_TYPES]
    return sorted([*declared, *types_beside(declared, limit=_MOST_OF_LOG, using=using)])


def _fields(
    items: Iterable[ItemText], offered: Sequence[str], errors: dict[str, list[str]]
) -> Iterator[ItemFields]:
    for number, item in enumerate(items, 1):
        names = sorted({*offered, *item.types})
        yield ItemFields(
            number,
            [(name, name in item.types) for name in names],
            [*item.tags, ""],
            errors.get(f"types-{number}", ()),
            errors.get(f"tags-{number}", ()),
        )
