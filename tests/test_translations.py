"""What people read in other languages: whole, compiled, and seen on a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.test import Client
from django.utils import translation

from demo_project.settings import BASE_DIR

CATALOGUES = sorted((BASE_DIR / "factos_django" / "locale").glob("*/LC_MESSAGES/django.po"))


def words_of(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def said_in(catalogue: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    """What stands for each message; both have two forms where a number counts."""
    return {forms(message.id): forms(message.string) for message in catalogue if message.id}


def forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, (list, tuple)) else (str(text or ""),)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_each_message_is_translated_with_its_placeholders(path: Path) -> None:
    catalogue = words_of(path)
    assert len(said_in(catalogue)) > 500
    assert [message for message, said in said_in(catalogue).items() if not all(said)] == []
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []
    assert [str(error) for message in catalogue for error in message.check()] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_what_is_compiled_is_what_was_written(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert said_in(compiled) == said_in(words_of(path))


@pytest.mark.django_db
def test_the_admin_speaks_german_in_a_project_that_does(admin_client: Client, settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"
    with translation.override("de"):  # a client goes on in the language of its thread
        page = admin_client.get("/admin/factos/event/").content.decode()
    assert "Aufgezeichnet nach" in page
    assert "Recorded after" not in page
