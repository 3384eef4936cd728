"""docs/reference/glossary.md: names set as code are there to be imported, and each word stands once."""

from __future__ import annotations

from tests.docs.pages import text_of
from tests.reference.tables import names_in, rows_of
from tests.reference.test_python import MODULES, exported

ROWS = rows_of(text_of("reference/glossary"), "here")

#: Fields of AppendCondition, and an error, which has a page of its own.
ELSEWHERE = {"fail_if_events_match", "after", "DomainError"}


def test_what_is_set_as_code_is_imported() -> None:
    public = set().union(*(exported(module) for module in MODULES))
    named = {name for row in ROWS for name in names_in(row["here"])}
    assert len(named) > 10
    assert named <= public | ELSEWHERE


def test_each_word_is_explained_once() -> None:
    words = [word.strip(" `") for row in ROWS for word in row["here"].split(",")]
    assert len(words) == len(set(words))
    assert [row["here"] for row in ROWS if not row["what it means"]] == []
