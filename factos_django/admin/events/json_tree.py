"""JSON as a tree that folds: said from its first line to its last, so that a page writes it in one loop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
from django.utils.translation import ngettext

from factos_django.admin.facts import as_json
from factos_django.core.canonical_json import MAX_DEPTH, encode_json, encode_unchecked

__all__ = ["JsonTree", "Step", "json_tree"]

#: A tree shows so many values (values); of the rest it is said that they are there.
_MOST_VALUES = 400
#: So much of a string is shown in the tree (characters).
_MOST_OF_STRING = 1000
#: A list or mapping of more members than this (members) is folded at first.
_MOST_UNFOLDED = 20
#: Text with line breaks may be so long (characters): deep JSON is mostly indentation.
_MOST_OF_TEXT = 1_000_000

# What changes the direction of text, breaks lines or shows nothing: it is shown as it may stand in JSON.
_TREACHEROUS = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
# No database takes it: it stands in names of rows that somebody edited.
_NUL = "\x00"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a tree, or the end of what a line began.

    Attributes:
        kind: ``string``, ``number``, ``word`` (true, false, null), ``empty`` ({} and []), ``rest`` (what is
            left out); ``open`` for a list or mapping whose members follow, up to its ``close``.
        text: The value as JSON; of ``open`` and ``rest`` how many members.
        name: The member's name or number; None for the whole.
        is_unfolded: Whether its members are seen at first.
    """

    kind: str
    text: str = ""
    name: str | None = None
    is_unfolded: bool = False


@dataclass(frozen=True, slots=True)
class JsonTree:
    """A value to look at, and its text.

    Attributes:
        steps: The lines of the tree; none where the text is no JSON.
        text: The whole value as JSON with line breaks, or the stored text as it is.
        is_readable: Whether the text is JSON.
        is_cut: Whether the tree leaves something out.
    """

    steps: tuple[Step, ...]
    text: str
    is_readable: bool = True
    is_cut: bool = False


def json_tree(text: str) -> JsonTree:
    """Return the tree of the JSON ``text``, whatever it is, in a time that its size does not change much."""
    value, is_broken = as_json(text)
    if is_broken:
        return JsonTree((), text, is_readable=False)
    walk = _Walk()
    steps = tuple(walk.steps(value))
    return JsonTree(steps, _harmless(_with_line_breaks(text)), is_cut=walk.is_cut)


class _Walk:
    def __init__(self) -> None:
        self.left = _MOST_VALUES
        self.is_cut = False

    def steps(self, value: Any, name: str | None = None, level: int = 1) -> Iterator[Step]:
        self.left -= 1
        if not isinstance(value, dict | list) or not value:
            yield self._leaf(value, name)
        else:
            yield Step("open", _size(value), name, is_unfolded=level == 1 or len(value) <= _MOST_UNFOLDED)
            yield from self._members(value, level)
            yield Step("close")

    def _members(self, value: dict[str, Any] | list[Any], level: int) -> Iterator[Step]:
        shown = 0
        # Deeper than what can be appended is what somebody edited; Python would not follow it for long.
        for name, member in _named(value) if level <= MAX_DEPTH else ():
            if self.left <= 0:
                break
            yield from self.steps(member, self._short(name) or '""', level + 1)
            shown += 1
        if rest := len(value) - shown:
            self.is_cut = True
            yield Step("rest", ngettext("%(count)d more", "%(count)d more", rest) % {"count": rest})

    def _leaf(self, value: Any, name: str | None) -> Step:
        if not isinstance(value, str):
            kind = "empty" if isinstance(value, dict | list) else "word" if _is_word(value) else "number"
            return Step(kind, encode_json(value).decode(), name)
        return Step("string", self._short(encode_unchecked(value).decode()), name)  # edited, it may hold NUL

    def _short(self, text: str) -> str:
        """Return so much of a string as is shown; what is cut has no quote at its end."""
        is_long = len(text) > _MOST_OF_STRING
        self.is_cut |= is_long
        shown = _harmless(text[:_MOST_OF_STRING].replace(_NUL, "\\u0000"))
        return f"{shown}…" if is_long else shown


def _named(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from islice(value.items(), _MOST_VALUES)
    else:
        yield from ((str(number), each) for number, each in enumerate(value[:_MOST_VALUES]))


def _size(value: dict[str, Any] | list[Any]) -> str:
    count = len(value)
    if isinstance(value, dict):
        return ngettext("{%(count)d member}", "{%(count)d members}", count) % {"count": count}
    return ngettext("[%(count)d item]", "[%(count)d items]", count) % {"count": count}


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _harmless(text: str) -> str:
    return _TREACHEROUS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _with_line_breaks(text: str) -> str:
    formatted = msgspec.json.format(text, indent=2)
    return formatted if len(formatted) <= _MOST_OF_TEXT else text
