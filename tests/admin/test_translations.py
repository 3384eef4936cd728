"""Every word that a page says can be translated: in a language of brackets, all of them stand in brackets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import site
from django.utils.translation import gettext, ngettext, pgettext

from factos_django.models import Effect, Event, ProjectionState
from factos_django.registry import PROJECTIONS, REACTORS
from tests.admin.addresses import addresses, objects_of
from tests.admin.markup import PageText
from tests.admin.pseudo_locale import CLOSE, OPEN, Untranslated, pseudo_locale, strings_of
from tests.stores import on_databases

#: Typed into every field, to see what is said about it.
NONSENSE = "nonsense-17"

#: What nobody translates: words of JSON, a time zone, the superuser; and "Search", which Django forgot.
NAMES = {"JSON", "Python", "true", "false", "null", "CST", "CDT", "root", "Search", NONSENSE}


def data_of(using: str) -> Iterator[str]:
    """Yield the texts of the log, and of what was made of it."""
    for event in Event.objects.using(using):
        yield from (event.type, *event.tags)
        for value in (event.data, event.metadata, event.decision):
            yield from strings_of(value)
    for row in [*Effect.objects.using(using), *ProjectionState.objects.using(using)]:
        for field in row._meta.fields:
            yield from strings_of(getattr(row, field.attname) if not field.choices else None)
    for each in [*PROJECTIONS, *REACTORS]:
        yield each.name
    for projection in PROJECTIONS:
        for model in projection.feed.models:
            yield from (model._meta.label, *(field.name for field in model._meta.fields))


def test_the_language_puts_what_is_marked_into_brackets():
    with pseudo_locale():
        said = [gettext("a"), pgettext("b", "c"), ngettext("d", "e", 2)]
    assert said == [f"{OPEN}{each}{CLOSE}" for each in "ace"]
    page = f"<p title=new>{OPEN}one <b>two</b>{CLOSE} three 4 renata</p><code>five</code>"
    assert Untranslated(page).but(["renata"]) == ["new", "three"]


@on_databases("default", also=["default"])
def test_every_word_of_every_page_is_marked_for_translation(root, story, store):
    known = {*NAMES, *data_of(store.using)}
    left: dict[str, set[str]] = {}

    def look(path: str, asked: dict[str, Any]) -> set[str]:
        answer = root.get(path, asked, follow=True)
        if answer.status_code >= 400 or not answer["Content-Type"].startswith("text/html"):
            return set()  # Django's own "Forbidden", or JSON for scripts
        page = answer.content.decode()
        for text in Untranslated(page).but(known):
            left.setdefault(text, set()).add(f"{path}?{urlencode(asked)}")
        return PageText(page).fields

    with pseudo_locale():
        for name, path in [*addresses(site, objects_of(story)), ("index", "/admin/factos/")]:
            for field in look(path, {}) | ({"q"} if name.endswith("_changelist") else set()):
                look(path, {field: NONSENSE})
    assert not left, "\n".join(f"{text!r}: {min(pages)}" for text, pages in left.items())
