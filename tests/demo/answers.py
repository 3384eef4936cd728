"""What a page of the demo answers, as a reader sees it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

__all__ = ["ODD_NAMES", "all_told", "link_to", "text_of", "told"]

#: Names that somebody types, and what the page is to do with them: nothing worse than to say no.
ODD_NAMES = [
    "a/b",
    "/",
    ".",
    "..",
    "...",
    "",
    "   ",
    "x" * 300,
    "\0",
    "a\0b",
    "a\x01b",
    "a\x7f",
    "\u200b" * 201,
]


def text_of(response: Any) -> str:
    """The words, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def told(response: Any) -> str:
    """What was said of what was asked for; a redirect says it on the page that it leads to."""
    return " ".join(all_told(response))


def all_told(response: Any) -> list[str]:
    """Each of the messages."""
    found = re.findall(r'<li class="(?:success|warning|error)">(.*?)</li>', response.content.decode())
    return [unescape(each) for each in found]


def link_to(response: Any, text: str) -> str:
    """Where the first link of this text leads."""
    found = re.search(rf'<a href="([^"]+)">{re.escape(text)}</a>', response.content.decode())
    assert found is not None, text
    return unescape(found[1])
