"""What an address asks of the explorer, checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from factos_django.admin.explorer.address import Address, ItemText
from factos_django.admin.fact_pages import position_in
from factos_django.conf import conf
from factos_django.core.errors import InvalidName, InvalidPosition, InvalidQuery, InvalidTag
from factos_django.core.naming import NAME_MAX_LENGTH, checked_name
from factos_django.core.query import Query, QueryItem
from factos_django.core.tag import TAG_MAX_LENGTH, checked_tag
from factos_django.store.matching import checked_query

__all__ = ["Asked", "asked_by"]

#: So much of what is no tag and no type is said again (characters).
_SAID = 40


@dataclass(slots=True)
class Asked:
    """A query, or why there is none.

    Attributes:
        query: Which facts; None where nothing is asked for yet, and where something is wrong.
        after: Only facts above this position.
        before: Only facts below this position; None: up to the newest.
        errors: What is wrong, as sentences, by the name that the parameter has in the address; what is wrong
            with the whole by ``query``.
    """

    query: Query | None = None
    after: int = 0
    before: int | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)


def asked_by(address: Address) -> Asked:
    """Return what ``address`` asks."""
    asked = Asked()
    asked.after = _position("after", address.after, asked) or 0
    asked.before = _position("before", address.before, asked)
    for number, item in enumerate(address.items, 1):
        _check_item(number, item, asked)
    _check_number_of_items(address, asked)
    if address.says_something and not asked.errors:
        asked.query = _query(address, asked)
    return asked


def _query(address: Address, asked: Asked) -> Query | None:
    items = (QueryItem(item.types, item.tags) for item in address.items if not item.is_empty)
    try:
        return checked_query(Query.all() if address.everything else Query.of(*items))
    except InvalidQuery as error:  # what is not told in our own words above
        asked.errors["query"] = [_("This query is refused: %(reason)s.") % {"reason": error.reason}]
        return None


def _position(name: str, text: str, asked: Asked) -> int | None:
    try:
        return position_in(text)
    except InvalidPosition:
        asked.errors[name] = [_("A position is a whole number of at most 19 digits.")]
        return None


def _check_item(number: int, item: ItemText, asked: Asked) -> None:
    if wrong := [_no_type(text) for text in item.types if not _is_type(text)]:
        asked.errors[f"types-{number}"] = wrong
    if wrong := [_no_tag(text) for text in item.tags if not _is_tag(text)]:
        asked.errors[f"tags-{number}"] = wrong
    if len(item.tags) > conf.MAX_TAGS:
        too_many = _("At most %(most)d tags are looked for at once.") % {"most": conf.MAX_TAGS}
        asked.errors.setdefault(f"tags-{number}", []).append(too_many)


def _check_number_of_items(address: Address, asked: Asked) -> None:
    if len(address.items) > conf.MAX_QUERY_ITEMS:
        too_many = _("A query has at most %(most)d items; those after them are left out here.")
        asked.errors["query"] = [too_many % {"most": conf.MAX_QUERY_ITEMS}]


def _is_type(text: str) -> bool:
    try:
        return bool(checked_name(text))
    except InvalidName:
        return False


def _is_tag(text: str) -> bool:
    try:
        return bool(checked_tag(text))
    except InvalidTag:
        return False


def _no_type(text: str) -> str:
    said = {"name": text[:_SAID], "most": NAME_MAX_LENGTH}
    return _("“%(name)s” is no type: those have 1 to %(most)d of the characters A-Z a-z 0-9 . _ : -") % said


def _no_tag(text: str) -> str:
    said = {"tag": text[:_SAID], "most": TAG_MAX_LENGTH}
    return _("“%(tag)s” is no tag: those have 1 to %(most)d characters, and no control characters.") % said
