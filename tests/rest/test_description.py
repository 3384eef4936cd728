"""``schema/`` and ``docs/``: all of the API is described, and the project's settings do not change how."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import include, path
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIRequestFactory, force_authenticate

from factos_django.rest_framework import urls
from factos_django.rest_framework.older_openapi import as_openapi_3_0
from tests.rest.addresses import PREFIX, template_of, view_of
from tests.rest.clients import ApiClient, a_client, a_user

pytestmark = pytest.mark.django_db

#: What a project may have said of its own views.
ODD = {
    "OAS_VERSION": "3.0.3",
    "SCHEMA_PATH_PREFIX": "/api/v[0-9]",
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "SCHEMA_PATH_PREFIX_INSERT": "/elsewhere",
    "CAMELIZE_NAMES": True,
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["tests.rest.test_description.leave_all_out"],
    "POSTPROCESSING_HOOKS": ["tests.rest.test_description.leave_all_out"],
    "APPEND_COMPONENTS": {"schemas": {"Theirs": {"type": "object"}}},
    "DESCRIPTION": "Theirs.",
}


def leave_all_out(**_: Any) -> Any:
    raise AssertionError("the project's hooks are for the project's views")


@pytest.fixture
def reader() -> ApiClient:
    """Somebody who may read the description, and nothing else."""
    return a_client(a_user("reader"))


def described(client: ApiClient) -> dict[str, Any]:
    answer = client.fetch("schema/")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def operations(said: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for place, methods in said["paths"].items():
        for method, operation in methods.items():
            yield place, method, operation


def templates() -> set[str]:
    """The addresses of urls.py, as a description writes them."""
    return {template_of(each) for each in urls.urlpatterns}


def test_every_address_and_method_of_the_api_is_described_and_nothing_else_is(reader: ApiClient) -> None:
    said = described(reader)
    validate_schema(said)
    assert said["openapi"] == "3.1.0"
    assert set(said["paths"]) == templates()
    for pattern in urls.urlpatterns:
        assert {name.upper() for name in said["paths"][template_of(pattern)]} == set(
            view_of(pattern).allowed_by
        )


def test_each_operation_says_what_it_does_and_how_errors_look(reader: ApiClient) -> None:
    names = []
    for place, method, operation in operations(described(reader)):
        names.append(operation["operationId"])
        assert operation["description"], place
        assert operation["security"] == [{"cookieAuth": []}, {"basicAuth": []}]
        errors = {status: each for status, each in operation["responses"].items() if status >= "400"}
        assert {"401", "403", "406", "429"} <= set(errors)
        assert method == "get" or {"400", "411", "413", "415"} <= set(errors)
        for status, each in errors.items():
            assert list(each["content"]) == ["application/problem+json"], (place, status)
            assert ("Retry-After" in each.get("headers", {})) == (status in {"429", "503"})
    assert len(names) == len(set(names))


def test_every_parameter_of_an_address_is_explained(reader: ApiClient) -> None:
    for place, _, operation in operations(described(reader)):
        parameters = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert parameters == set(re.findall(r"\{(\w+)\}", place))
        assert all(each["description"] for each in operation.get("parameters", ()) if each["in"] == "path")


def test_it_is_the_same_whatever_the_project_says_of_its_own_views(reader: ApiClient) -> None:
    before = described(reader)
    with patched_settings(ODD):
        during = described(reader)
    # The names of bodies follow COMPONENT_SPLIT_REQUEST, and nothing else follows anything.
    assert json.loads(json.dumps(during).replace("Request", "")) == json.loads(
        json.dumps(before).replace("Request", "")
    )


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("split", [True, False])
def test_the_projects_own_description_is_clean_with_the_api_in_it(
    version: str, split: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"OAS_VERSION": version, "COMPONENT_SPLIT_REQUEST": split}
    monkeypatch.setattr("tests.rest.test_description.ODD", chosen)
    written = tmp_path / "schema.json"
    call_command(
        "spectacular",
        "--validate",
        "--fail-on-warn",
        f"--file={written}",
        "--format=openapi-json",
        "--custom-settings=tests.rest.test_description.ODD",
    )
    said = json.loads(written.read_text())
    assert said["openapi"] == version
    assert templates() <= set(said["paths"])
    newer = [word for word in ('"null"', '"const"', '"prefixItems"') if word in written.read_text()]
    assert version == "3.1.0" or newer == []


elsewhere = [path("deep/er/", include([path("facts/", include("factos_django.rest_framework.urls"))]))]


def test_the_addresses_are_those_of_the_project(reader: ApiClient, settings: Any) -> None:
    settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": elsewhere})
    answer = reader.get("/deep/er/facts/schema/", SCRIPT_NAME="/site")
    assert set(answer.json()["paths"]) == {
        each.replace(PREFIX, "/site/deep/er/facts/") for each in templates()
    }


def test_only_who_may_view_the_schema_does() -> None:
    for place in ("schema/", "docs/"):
        answer = a_client().fetch(place)
        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
        assert answer.json()["status"] == 403


class _Page(HTMLParser):
    """What a page loads, and whether something stands in it that a strict policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        for name, value in attrs:
            if name == "src" or (tag == "link" and name == "href"):
                self.loads.append(str(value))
            if name == "style" or name.startswith("on") or str(value).startswith("javascript:"):
                self.inline.append(name)

    def handle_data(self, data: str) -> None:
        if self._in in {"script", "style"} and data.strip():
            self.inline.append(data)


def test_the_page_loads_what_is_here_and_holds_nothing_inline(reader: ApiClient) -> None:
    answer = reader.fetch("docs/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer["Cache-Control"] == "no-store"
    page = _Page()
    page.feed(answer.content.decode())
    assert page.inline == []
    assert len(page.loads) == 5
    assert all(each.startswith("/static/") for each in page.loads)
    missing = [each for each in page.loads if finders.find(each.removeprefix("/static/")) is None]
    assert missing == []


def test_the_page_has_a_token_that_lets_its_requests_pass(settings: Any) -> None:
    client = ApiClient(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    page = client.fetch("docs/").content.decode()
    found = re.search(r"&quot;X-CSRFTOKEN&quot;: &quot;(\w+)&quot;", page)
    assert found is not None
    answer = client.send("events/query/", {"query": {"all": True}}, **{"X-CSRFToken": found[1]})
    assert answer.status_code == 200


def test_the_page_needs_no_templates_of_the_project(reader: ApiClient, settings: Any) -> None:
    settings.TEMPLATES = []
    assert reader.fetch("docs/").status_code == 200


def test_a_page_is_no_json_and_json_is_no_page(reader: ApiClient) -> None:
    for place, accepted in {"docs/": "application/json", "schema/": "text/html"}.items():
        answer = reader.get(PREFIX + place, headers={"Accept": accepted})
        assert (answer.status_code, answer["Content-Type"]) == (406, "application/problem+json")
        assert answer.json()["status"] == 406


def test_a_project_without_drf_spectacular_as_its_schema_class_is_described_just_as_well() -> None:
    assert all(
        "SurfaceSchema" in [each.__name__ for each in method.kwargs["schema"].__mro__]
        for pattern in urls.urlpatterns
        for name, method in vars(view_of(pattern)).items()
        if name in {"get", "post"}
    )


def test_what_openapi_3_0_does_not_know_is_said_in_its_words() -> None:
    assert as_openapi_3_0({"anyOf": [{"type": "integer"}, {"type": "null"}]}) == {
        "allOf": [{"type": "integer"}],
        "nullable": True,
    }
    assert as_openapi_3_0({"type": "array", "prefixItems": [{"const": 1}], "items": False}) == {
        "type": "array",
        "items": {"anyOf": [{"enum": [1]}]},
    }
    assert as_openapi_3_0({"exclusiveMinimum": 0}) == {"minimum": 0, "exclusiveMinimum": True}
    assert as_openapi_3_0({"type": "null"}) == {"enum": [None], "nullable": True}
    held = {"properties": {"type": {"type": "string"}, "const": {"type": "null"}, "required": {}}}
    assert as_openapi_3_0(held)["properties"]["type"] == {"type": "string"}
    assert as_openapi_3_0(held)["properties"]["const"] == {"enum": [None], "nullable": True}
    assert as_openapi_3_0({"required": [], "default": {"const": 1}}) == {"default": {"const": 1}}


def test_a_user_of_the_projects_own_making_may_view_it() -> None:
    machine: Any = SimpleNamespace(is_authenticated=True)

    request = APIRequestFactory().get("/api/schema/")
    force_authenticate(request, machine)
    view = next(each.callback for each in urls.urlpatterns if each.name == "schema")
    assert view(request).status_code == 200
    events = next(each.callback for each in urls.urlpatterns if each.name == "event-list")
    assert events(request).status_code == 403


def test_each_address_is_there_once() -> None:
    found = [str(each.pattern) for each in urls.urlpatterns]
    assert sorted(found) == sorted(set(found))
