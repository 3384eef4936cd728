"""Queries as sentences of the user's language."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from django.utils.translation import gettext, ngettext

from factos_django.core.query import Query, QueryItem

__all__ = ["query_in_words"]

#: So many items are said (items); of those after them it is said how many they are.
_MOST_ITEMS = 20


def query_in_words(query: Query) -> str:
    """Return what ``query`` matches, in the language in force, without a capital and without a full stop."""
    if query.everything:
        return gettext("every event")
    said = [_item(item) for item in query.items[:_MOST_ITEMS]]
    if others := len(query.items) - len(said):
        said.append(ngettext("%(count)d more kind", "%(count)d more kinds", others) % {"count": others})
    return reduce(_one_or_other, said)


def _item(item: QueryItem) -> str:
    types, tags = _alternatives(item.types), _together(item.tags)
    if not tags:
        return gettext("events of type %(types)s") % {"types": types}
    if not types:
        text = ngettext(
            "events that carry the tag %(tags)s", "events that carry the tags %(tags)s", len(item.tags)
        )
        return text % {"tags": tags}
    text = ngettext(
        "events of type %(types)s that carry the tag %(tags)s",
        "events of type %(types)s that carry the tags %(tags)s",
        len(item.tags),
    )
    return text % {"types": types, "tags": tags}


def _one_or_other(one: str, other: str) -> str:
    return gettext("%(one)s; or %(other)s") % {"one": one, "other": other}


def _alternatives(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return gettext("%(words)s or %(last)s") % {"words": _listed(words[:-1]), "last": words[-1]}


def _together(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return gettext("%(words)s and %(last)s") % {"words": _listed(words[:-1]), "last": words[-1]}


def _listed(words: Sequence[str]) -> str:
    return reduce(lambda one, other: gettext("%(one)s, %(other)s") % {"one": one, "other": other}, words)
