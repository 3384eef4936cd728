"""A language for tests: what is marked for translation stands in brackets, and what was forgotten is bare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any
from unittest import mock

from django.utils import translation
from django.utils.translation import trans_real

__all__ = ["PSEUDO", "Untranslated", "pseudo_locale"]

PSEUDO = "xx"
OPEN, CLOSE = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}", "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"

#: Between the context of a message and the message.
_CONTEXT_END = "\x04"


class _Bracketed(NullTranslations):
    """The catalog."""

    def gettext(self, message: str) -> str:
        return f"{OPEN}{message.rpartition(_CONTEXT_END)[2]}{CLOSE}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def to_language(self) -> str:
        return PSEUDO

    language = to_language


@contextmanager
def pseudo_locale() -> Iterator[None]:
    """Speak it, in the block and in this thread."""
    known: Any = vars(trans_real)["_translations"]
    with mock.patch.dict(known, {PSEUDO: _Bracketed()}), translation.override(PSEUDO):
        yield


class Untranslated(HTMLParser):
    """The texts of a page that stand in no brackets; of attributes, those that somebody sees or hears.

    What stands in ``code`` and ``pre`` is no language.
    """

    HEARD = frozenset({"title", "placeholder", "aria-label", "aria-description", "alt", "label"})
    SILENT = frozenset({"script", "style", "code", "pre"})
    EMPTY = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._depth = 0
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.EMPTY:
            self._open.append(tag)
        heard = [
            value for name, value in attrs if value and (name in self.HEARD or name.startswith("data-say"))
        ]
        if tag == "input" and given.get("type") in ("submit", "button", "reset"):
            heard.append(given.get("value") or "")
        for value in heard:
            self.texts.append(_outside(value, 0)[0])

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.SILENT.intersection(self._open):
            said, self._depth = _outside(data, self._depth)
            self.texts.append(said)

    def but(self, known: Iterable[str]) -> list[str]:
        """Return the texts that hold letters beside those of ``known``, of numbers and of moments."""
        longest = sorted({each for each in known if each}, key=len, reverse=True)
        data = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")
        left = (_NUMBER.sub(" ", data.sub(" ", _ID.sub(" ", text))) for text in self.texts)
        return [text.strip() for text in left if re.search(r"[^\W\d_]", text)]


_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?|\d[\d.,]*")


def _outside(text: str, depth: int) -> tuple[str, int]:
    """Return what stands outside of brackets, of which ``depth`` are open before, and how many are after."""
    said: list[str] = []
    for character in text:
        if character == OPEN:
            depth += 1
        elif character == CLOSE:
            depth -= 1
        elif not depth:
            said.append(character)
    return "".join(said), depth


def strings_of(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, names too."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            yield from strings_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings_of(each)
    elif isinstance(value, str):
        yield value
