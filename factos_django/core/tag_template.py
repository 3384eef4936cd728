"""Tag templates such as ``"event:{conference}"``, filled from the fields of an event."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import cache
from itertools import product
from string import Formatter
from typing import Any
from uuid import UUID

from factos_django.core.errors import InvalidTag

__all__ = ["TagTemplate"]


@dataclass(frozen=True, slots=True)
class TagTemplate:
    """A format string whose fields are plain names of event fields.

    ``None`` in a field gives no tag, a list, tuple or set gives one tag a member. It reads nothing
    but the event: no nested attributes, no format specification.
    """

    text: str
    #: The names of the event fields it needs, each once.
    fields: tuple[str, ...] = field(init=False, compare=False)
    #: What stands before and after its only field, where it has one: then it is filled by adding up.
    _around: tuple[str, str] | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        try:
            parts = tuple(Formatter().parse(self.text))
        except ValueError as error:
            raise InvalidTag(tag=self.text, reason=str(error)) from error
        for _, name, spec, conversion in parts:
            if name is not None and (not name.isidentifier() or spec or conversion):
                raise InvalidTag(tag=self.text, reason="a template holds plain field names like {buyer}")
        names = [name for _, name, _, _ in parts if name]
        object.__setattr__(self, "fields", tuple(dict.fromkeys(names)))
        around = (
            (parts[0][0], "".join(literal for literal, _, _, _ in parts[1:])) if len(names) == 1 else None
        )
        object.__setattr__(self, "_around", around if parts and parts[0][1] else None)

    def tags(self, event: object) -> Iterator[str]:
        """Yield the tags that ``event`` gets from this template (not yet checked as tags)."""
        members = [_members(self.text, getattr(event, name)) for name in self.fields]
        if self._around is not None:
            before, after = self._around
            yield from [f"{before}{member}{after}" for member in members[0]]
            return
        for combination in product(*members):
            yield self.text.format(**dict(zip(self.fields, combination, strict=True)))

    def could_yield(self, tag: str) -> bool:
        """Tell whether some event could get exactly ``tag`` from this template."""
        return _pattern(self.text).fullmatch(tag) is not None


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = Formatter().parse(template)
    pattern = "".join(re.escape(literal) + ("" if name is None else ".+") for literal, name, _, _ in parts)
    return re.compile(pattern, re.DOTALL)


def _members(template: str, value: Any) -> Sequence[str]:
    if type(value) is str and value:
        return (value,)  # nearly always
    if value is None:
        return []
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_text(template, member) for member in value if member is not None]
    return [_text(template, value)]


def _text(template: str, value: Any) -> str:
    plain = value.value if isinstance(value, Enum) else value
    if plain == "":
        raise InvalidTag(tag=template, reason="a field that fills it is an empty string")
    if isinstance(plain, datetime) or not isinstance(plain, (str, int, UUID, date)):
        reason = f"{type(plain).__name__} cannot fill it: use str, int, UUID, bool, date or Enum"
        raise InvalidTag(tag=template, reason=reason)
    return str(plain)
