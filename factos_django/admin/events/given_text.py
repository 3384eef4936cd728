"""A decision of the log as a test of its decider, to paste and fill in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext, ngettext

from factos_django import Proposed
from factos_django.admin.events.python_text import PythonText, Unwritable
from factos_django.core.event import Recorded
from factos_django.core.event_types import EVENT_TYPES
from factos_django.store.companions import Companions
from factos_django.store.rows import EventRow, recorded_of

__all__ = ["given_text"]

#: Facts are written until they are so long (characters).
_MOST_TEXT = 200_000


def given_text(
    position: int, seen: Sequence[EventRow], *, are_all: bool, decided: Companions, using: str
) -> str:
    """Return Python: that ``seen`` was given, and that ``decided`` came of it.

    The log keeps no command, nor who decided: those are names that the reader fills in. What cannot be
    decoded or written as Python is a comment in its place.

    Args:
        position: Of the fact that it is about.
        seen: What the decision saw, in the order of positions.
        are_all: Whether it saw nothing else.
        decided: What was appended with that fact.
        using: The alias of the database.
    """
    python = PythonText(taken=("given", "command", "decider", "query"))
    facts = [*_given_lines(seen, are_all, python, using)]
    expected = [*_expected_lines(decided, python, using)]
    return "\n".join(
        [
            *python.imports(),
            "from factos_django.testing import given",
            "",
            "",
            f"def test_the_decision_behind_event_{position}():",
            f"    # {_said(gettext('The log keeps no command: put in yours, its decider and its query.'))}",
            "    given(",
            *facts,
            "    ).when(command, decider=decider, query=query).then(",
            *expected,
            "    )",
            "",
        ]
    )


def _given_lines(seen: Sequence[EventRow], are_all: bool, python: PythonText, using: str) -> Iterator[str]:
    if not are_all:
        count = len(seen)
        text = ngettext(
            "It saw more: this is the newest %(count)d fact.",
            "It saw more: these are the newest %(count)d facts.",
            count,
        )
        yield _comment(text % {"count": count})
    yield from _lines(seen, python, using, with_tags=True)


def _expected_lines(decided: Companions, python: PythonText, using: str) -> Iterator[str]:
    yield from _lines(decided.rows, python, using, with_tags=False)
    if not decided.are_all:
        yield _comment(gettext("Others may have been appended with it: which ones cannot be told here."))


def _lines(rows: Iterable[EventRow], python: PythonText, using: str, *, with_tags: bool) -> Iterator[str]:
    left = _MOST_TEXT
    for row in rows:
        if left <= 0:
            yield _comment(gettext("The rest is left out: it is too long."))
            return
        line = _line(row, python, using, with_tags=with_tags)
        left -= len(line)
        yield line


def _line(row: EventRow, python: PythonText, using: str, *, with_tags: bool) -> str:
    fact = {"type": row.type, "position": row.position}
    try:
        (recorded,) = recorded_of([row], using)
        return f"        {_expression(recorded, python, with_tags=with_tags)},"
    except Unwritable as reason:
        text = gettext("%(type)s #%(position)d cannot be written as Python: it holds %(reason)s.")
        return _comment(text % {**fact, "reason": reason})
    except Exception:  # history and code disagree, or code of the application fails
        return _comment(gettext("%(type)s #%(position)d cannot be read by this code.") % fact)


def _expression(recorded: Recorded[Any], python: PythonText, *, with_tags: bool) -> str:
    event = python.of(recorded.event)
    kind = EVENT_TYPES.of(type(recorded.event))
    derived = kind.tags_of(recorded.event) if kind is not None else ()
    added = tuple(tag for tag in recorded.tags if tag not in derived)
    if not (with_tags and added):
        return event
    return f"{python.name_of(Proposed)}({event}, tags={python.of(added)})"


def _comment(text: str) -> str:
    return f"        # {_said(text)}"


def _said(text: str) -> str:
    """Return ``text`` in one line: what follows a line break would be no comment."""
    return " ".join(text.split())
