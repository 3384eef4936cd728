"""What is written into the search box, word by word. It asks no database, and no text makes it fail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from factos_django.core.errors import InvalidName, InvalidTag
from factos_django.core.naming import checked_name
from factos_django.core.position import LAST_POSITION
from factos_django.core.tag import checked_tag

__all__ = ["Search", "Word", "parsed_search"]

#: What a word is: ``misfit`` is not understood, ``no-tag`` is a tag that no fact can have, and so on.
Kind: TypeAlias = Literal["tag", "type", "position", "id", "misfit", "no-tag", "no-type", "no-position"]

# A value in quotes may hold spaces, and a quote twice. What is not closed is read as it stands.
_WORDS = re.compile(r'tag:"(?P<quoted>(?:[^"]|"")*)"(?!\S)|(?P<plain>\S+)')
_POSITION = re.compile("#[0-9]{1,19}")
_UUID = re.compile("[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}(?:\\1[0-9a-fA-F]{4}){2}\\1[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Word:
    """One word: what it is, and what it says (a tag, the name of a type, the digits of a position, an id)."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Search:
    """The words of a search, in their order. A fact is searched for that fits all of them."""

    words: tuple[Word, ...] = ()

    def of_kind(self, kind: Kind) -> tuple[str, ...]:
        """Return what the words of one kind say."""
        return tuple(word.text for word in self.words if word.kind == kind)

    @property
    def only_position(self) -> int | None:
        """The position, where that is all that is searched for."""
        positions = self.of_kind("position")
        return int(positions[0]) if positions and len(self.words) == 1 else None

    @property
    def only_id(self) -> UUID | None:
        """The id, where that is all that is searched for."""
        ids = self.of_kind("id")
        return UUID(ids[0]) if ids and len(self.words) == 1 else None


def parsed_search(text: str) -> Search:
    """Return the words of ``text``, those that are not understood too."""
    return Search(tuple(_word(found) for found in _WORDS.finditer(text)))


def _word(found: re.Match[str]) -> Word:
    if found["quoted"] is not None:
        return _tag(found["quoted"].replace('""', '"'))
    plain = found["plain"]
    name, colon, value = plain.partition(":")
    if colon and name in ("tag", "type"):
        return _tag(value) if name == "tag" else _type(value)
    if plain.startswith("#"):
        return _position(plain)
    return Word("id" if _UUID.fullmatch(plain) else "misfit", plain)


def _tag(value: str) -> Word:
    try:
        return Word("tag", checked_tag(value))
    except InvalidTag:
        return Word("no-tag", value)


def _type(value: str) -> Word:
    try:
        return Word("type", checked_name(value))
    except InvalidName:
        return Word("no-type", value)


def _position(word: str) -> Word:
    if _POSITION.fullmatch(word) and int(word[1:]) <= LAST_POSITION:
        return Word("position", word[1:])
    return Word("no-position", word)
