"""The tables of a page, and its sections, as data."""

from __future__ import annotations

import re

__all__ = ["names_in", "rows_of", "section", "tables_of"]

_TABLE = re.compile(r"^\|.*\|\n\|[-:| ]+\|\n(?:\|.*\|\n?)*", re.MULTILINE)
_BETWEEN = re.compile(r"(?<!\\)\|")

Row = dict[str, str]


def section(text: str, heading: str) -> str:
    """What stands below ``heading``, up to the next one that is not below it."""
    level, found = len(heading) - len(heading.lstrip("#")), []
    lines = iter(_without_code(text).splitlines(keepends=True))
    assert any(line.rstrip() == heading for line in lines), heading
    for line in lines:
        if re.match(rf"#{{1,{level}}} ", line):
            break
        found.append(line)
    return "".join(found)


def _without_code(text: str) -> str:
    """The text without its blocks of code: a comment there is no heading."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def tables_of(text: str) -> list[list[Row]]:
    """The tables, each as its rows, by the headings of their columns."""
    return [_table(each.group()) for each in _TABLE.finditer(text)]


def _table(text: str) -> list[Row]:
    heads, _, *rows = (_cells(line) for line in text.strip().splitlines())
    return [dict(zip(heads, row, strict=True)) for row in rows]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _BETWEEN.split(line.strip())[1:-1]]


def rows_of(text: str, first: str) -> list[Row]:
    """The rows of all tables whose first column is headed ``first``."""
    return [
        row
        for table in tables_of(text)
        if first in table[0] and next(iter(table[0])) == first
        for row in table
    ]


def names_in(cell: str) -> list[str]:
    """What a cell says as code."""
    return re.findall(r"`([^`]+)`", cell)
