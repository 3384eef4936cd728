"""The pages of docs/ and their blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from demo_project.settings import BASE_DIR

__all__ = ["DOCS", "Block", "blocks_of", "pages", "text_of"]

DOCS = BASE_DIR / "docs"

_BLOCK = re.compile(r"^(`{3,})(\S*)[^\n]*\n(.*?)^\1$", re.DOTALL | re.MULTILINE)

#: How the first line of a block names the file that it belongs to, in the comments of its language.
_PLACE = re.compile(
    r"(?:#|;|--|<!--|\{#) (?P<path>[\w./-]+\.\w+)(?:, (?P<how>at its end|in place of what it was))?"
    r"(?: -->| #\})?\n"
)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page: its language, its text, and the line of the page that it begins at."""

    page: str
    line: int
    language: str
    text: str

    @property
    def path(self) -> str | None:
        """The file that the block belongs to, relative to the project."""
        found = _PLACE.match(self.text)
        return found["path"] if found else None

    @property
    def replaces(self) -> bool:
        """Whether the block is all that its file holds from here on."""
        found = _PLACE.match(self.text)
        return bool(found and found["how"] == "in place of what it was")

    @property
    def code(self) -> str:
        """The text without the line that says where it belongs."""
        return self.text.partition("\n")[2]

    def __str__(self) -> str:
        return f"docs/{self.page}.md, line {self.line}"


@cache
def pages() -> list[str]:
    """Every page, by its path below docs/ without its ending."""
    found = (path.relative_to(DOCS) for path in DOCS.rglob("*.md"))
    return sorted(str(path.with_suffix("")) for path in found if path.parts[0] != "_build")


def text_of(page: str) -> str:
    return Path(DOCS / f"{page}.md").read_text(encoding="utf-8")


def blocks_of(page: str) -> list[Block]:
    """The blocks of code in their order; directives of the site, as a table of contents, are none."""
    text = text_of(page)
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[2], found[3])
        for found in _BLOCK.finditer(text)
        if not found[2].startswith("{")
    ]
