"""docs/reference/permissions.md tells the permissions that there are, and what each of them opens."""

from __future__ import annotations

import inspect
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.management import _get_all_permissions  # type: ignore[attr-defined]

from factos_django.rest_framework import ApiPermissions, urls
from tests.docs.pages import text_of
from tests.reference.tables import names_in, rows_of, section
from tests.rest.addresses import PREFIX, template_of, view_of

PAGE = text_of("reference/permissions")
ROWS = {names_in(row["permission"])[0]: row for row in rows_of(PAGE, "permission")}
UNASKED = {"view_idempotencykey", "view_parkedevent", "view_effectaction"}
QUESTIONS = [
    name
    for name, question in vars(ApiPermissions).items()
    if name.startswith("may_") and list(inspect.signature(question).parameters) == ["self"]
]


def allowed_by(permission: str) -> list[str]:
    """The questions that somebody with this permission alone gets a yes for."""
    user = SimpleNamespace(has_perm=lambda asked: asked == f"factos.{permission}", is_authenticated=False)
    request: Any = SimpleNamespace(user=user)
    return [name for name in QUESTIONS if getattr(ApiPermissions(request), name)()]


def test_the_permissions_are_those_that_migrate_makes() -> None:
    models = apps.get_app_config("factos").get_models()
    made = {codename for model in models for codename, _ in _get_all_permissions(model._meta)}
    assert made == set(ROWS) | UNASKED
    assert [name for name in UNASKED if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("permission", ROWS)
def test_over_http_it_opens_what_the_page_says(permission: str) -> None:
    assert allowed_by(permission) == names_in(ROWS[permission]["over HTTP"])


def test_every_question_of_the_api_is_on_the_page() -> None:
    questions = {name for name in dir(ApiPermissions) if name.startswith("may_")}
    assert questions == set(re.findall(r"`(may_\w+)`", PAGE))


def test_the_table_of_the_admin_has_the_permissions_of_its_pages() -> None:
    rows = rows_of(section(text_of("reference/admin"), "## Who may do what"), "permission of `factos`")
    told = [names_in(row["permission of `factos`"])[0] for row in rows]
    assert sorted(told) == sorted(name for name, row in ROWS.items() if row["in the admin"])


# The tables of the page about the REST API


def told_addresses() -> dict[str, set[str]]:
    """The questions that each address asks, as the page has it."""
    found: dict[str, set[str]] = {}
    for row in rows_of(text_of("reference/rest-api"), "address"):
        first = ""
        for name in names_in(row["address"]):
            method, _, path = name.rpartition(" ")
            first = first or method  # which holds for those that follow in the cell
            found[f"{first} {path}"] = set(names_in(row["asks"]))
    return found


def asked_addresses() -> dict[str, set[str]]:
    """The questions that the view of each address asks of a request."""
    found: dict[str, set[str]] = {}
    for each in urls.urlpatterns:
        for method, questions in view_of(each).allowed_by.items():
            found[f"{method} {template_of(each).removeprefix(PREFIX)}"] = set(questions)
    return found


#: What is asked besides, of what a request names: its query, its condition, the type of a fact, a model.
NARROWING = {"may_read", "may_append_type", "may_view_rows"}


def test_the_addresses_of_the_page_are_those_of_the_api_and_ask_what_it_says() -> None:
    told, asked = told_addresses(), asked_addresses()
    assert told.keys() == asked.keys()
    assert told.pop("POST events/append/") - NARROWING - {"may_view_events"} == asked.pop(
        "POST events/append/"
    )
    assert {address: questions - NARROWING for address, questions in told.items()} == asked


def test_the_questions_ask_for_the_permissions_of_the_table() -> None:
    for row in rows_of(text_of("reference/rest-api"), "question"):
        for question, permission in zip(names_in(row["question"]), names_in(row["permission"]), strict=False):
            if permission.startswith("factos."):
                assert allowed_by(permission.removeprefix("factos.")) == [question]
