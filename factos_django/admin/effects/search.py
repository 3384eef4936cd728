"""What the search box of effects understands."""

from __future__ import annotations

from uuid import UUID

from factos_django.admin.effects.clauses import Clause, clause_of, clause_of_id
from factos_django.admin.effects.numbers import number_of
from factos_django.effects.finding import EffectFilter

__all__ = ["clause_of_search"]


def clause_of_search(text: str, using: str) -> Clause | None:
    """Return which effects ``text`` means; None for all.

    ``#12`` is the fact at that position. Whatever else is an ordering key, and a number is an effect by its
    id besides, a UUID a fact by its id.
    """
    text = text.strip()
    position = number_of(text[1:]) if text.startswith("#") else None
    if position is not None:
        return clause_of(EffectFilter(position=position), using)
    return _any_words(text, using) if text else None


def _any_words(text: str, using: str) -> Clause:
    words = clause_of(EffectFilter(ordering_key=text), using)
    number, fact = number_of(text), _uuid(text)
    if number is not None:
        words |= clause_of_id(number)
    if fact is not None:
        words |= clause_of(EffectFilter(event_id=fact), using)
    return words


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == len(str(UUID(int=0))) else None
    except ValueError:
        return None
