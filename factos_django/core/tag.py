"""Tags: opaque strings that name the subjects of a fact."""

from __future__ import annotations

import re
from collections.abc import Iterable

from factos_django.core.errors import InvalidTag

__all__ = ["TAG_MAX_LENGTH", "checked_tag", "checked_tags"]

TAG_MAX_LENGTH = 255

# Control characters cannot be told apart by eye, and NUL and lone surrogates are refused by PostgreSQL.
_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def checked_tag(tag: object) -> str:
    """Return ``tag`` if it is one; raise InvalidTag otherwise.

    A tag is 1 to 255 characters with no control character and no lone surrogate. It is never
    trimmed, folded or normalised: two tags are the same if their characters are the same.
    """
    if not isinstance(tag, str):
        raise InvalidTag(tag=tag, reason=f"a tag is a str, not {type(tag).__name__}")
    if not 1 <= len(tag) <= TAG_MAX_LENGTH:
        raise InvalidTag(tag=tag, reason=f"it has {len(tag)} characters, not 1 to {TAG_MAX_LENGTH}")
    if found := _REFUSED.search(tag):
        raise InvalidTag(tag=tag, reason=f"it holds the character U+{ord(found[0]):04X}")
    return str.__str__(tag)  # a subclass, such as SafeString, becomes a plain str


def checked_tags(tags: Iterable[object]) -> tuple[str, ...]:
    """Return ``tags`` checked, each once, in the order of their first appearance."""
    if isinstance(tags, str):
        raise InvalidTag(tag=tags, reason="give a list of tags, not one string")
    return tuple(dict.fromkeys(checked_tag(tag) for tag in tags))
