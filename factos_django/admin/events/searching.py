"""What a search of the list of facts comes to."""

from __future__ import annotations

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from factos_django.admin.events.asked import Asked
from factos_django.admin.events.search import Search, Word
from factos_django.store.stored import stored_by_id, stored_event

__all__ = ["narrowed", "place_of", "problems_of"]

#: So much of a word is said again (characters), and of so many words (sentences).
_SHOWN, _SENTENCES = 60, 5


def place_of(search: Search, using: str) -> int | None:
    """Return the position of the one fact that is searched for by its position or id, if it is there."""
    if search.only_position is not None:
        row = stored_event(search.only_position, using=using)
        return row.position if row else None
    found = stored_by_id([search.only_id], using=using) if search.only_id is not None else []
    return found[0].position if found else None


def narrowed(asked: Asked, search: Search) -> Asked:
    """Return what meets ``asked`` and fits each word; an id is a correlation here."""
    for name in search.of_kind("type"):
        asked = asked.of_types([name])
    for text in search.of_kind("id"):
        asked = asked.of_correlation(text)
    return asked.with_tags(search.of_kind("tag"))


def problems_of(search: Search) -> list[str]:
    """Return why nothing is found, as sentences; none where the words can be searched for.

    A position that is searched for alone is one: whoever lists facts has been at its page otherwise.
    """
    sentences = [_sentence(word, is_alone=len(search.words) == 1) for word in search.words]
    return list(dict.fromkeys(filter(None, sentences)))[:_SENTENCES]


def _sentence(word: Word, *, is_alone: bool) -> str:
    said = {"word": Truncator(word.text).chars(_SHOWN)}
    match word.kind:
        case "position" if is_alone:
            return _("There is no event at position #%(word)s.") % said
        case "position":
            return _("#%(word)s names one event: search for it alone.") % said
        case "no-position":
            return _("“%(word)s” is no position: #123 is one.") % said
        case "no-tag":
            return (
                _("“%(word)s” is no tag: those have 1 to 255 characters, and no control characters.") % said
            )
        case "no-type":
            return _("“%(word)s” is no name of a type: use 1 to 100 of A-Z a-z 0-9 . _ : -") % said
        case "misfit":
            return (
                _(
                    "“%(word)s” was not understood. Search for tag:VALUE, type:NAME, #POSITION, "
                    "or the id of an event or of a correlation; for data there is no search."
                )
                % said
            )
    return ""
