"""The description of command endpoints, in both versions of OpenAPI."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.validation import validate_schema

from tests.rest.commands import urls

DEFAULT = "rest_framework.schemas.openapi.AutoSchema"


@pytest.fixture(params=["3.1.0", "3.0.3"])
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(spectacular_settings, "OAS_VERSION", request.param)
    return str(request.param)


def described() -> Any:
    GENERATOR_STATS.reset()
    schema = SchemaGenerator(patterns=urls.urlpatterns).get_schema(request=None, public=True)
    assert (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) == ({}, {})
    return schema


@pytest.fixture
def schema(version: str) -> Any:
    return described()


def operation(schema: Any, path: str, method: str = "post") -> Any:
    return schema["paths"][path][method]


def test_it_is_valid_and_nothing_is_warned_of(schema: Any, version: str) -> None:
    assert schema["openapi"] == version
    validate_schema(schema)


def test_whatever_the_project_describes_its_own_views_by(version: str, settings: Any) -> None:
    before = described()
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_SCHEMA_CLASS": DEFAULT}
    assert described() == before


def test_each_command_has_a_name_of_its_own(schema: Any) -> None:
    names = [each["operationId"] for methods in schema["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)
    assert {"open_conference", "buy_ticket", "buy_at", "plain_put"} <= set(names)


def test_the_docstring_of_the_view_is_the_description(schema: Any) -> None:
    assert operation(schema, "/buy/")["description"] == "Sells a ticket to a buyer.\n\nTo as many as it has."
    assert operation(schema, "/sale/open/")["description"] == "Opens it."
    assert "description" not in operation(schema, "/order/")  # ours is not for clients


def test_the_body_is_the_dataclass_and_takes_no_other_members(schema: Any) -> None:
    body = operation(schema, "/buy/")["requestBody"]
    assert body == {
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BuyTicket"}}},
        "required": True,
    }
    ticket = schema["components"]["schemas"]["BuyTicket"]
    assert ticket["properties"] == {"conference": {"type": "string"}, "buyer": {"type": "string"}}
    assert (ticket["required"], ticket["additionalProperties"]) == (["conference", "buyer"], False)
    assert ticket["description"] == "Sell one ticket of a conference to a buyer."


def test_nested_classes_are_components(schema: Any, version: str) -> None:
    components = schema["components"]["schemas"]
    properties = components["PlaceOrder"]["properties"]
    assert properties["lines"] == {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}
    assert components["Line"]["properties"]["price"] == {"type": "string", "format": "decimal"}
    assert components["Line"]["additionalProperties"] is False
    assert components["Line"]["properties"]["row"]["allOf"] == [{"enum": [None, 7, "front"]}]
    assert properties["extra"]["additionalProperties"] == {"type": "integer"}
    newer = version == "3.1.0"
    assert ("prefixItems" in properties["between"]) is newer
    assert ({"type": "null"} in properties["note"].get("anyOf", [])) is newer
    assert properties["note"].get("nullable", False) is not newer


def test_a_serializer_is_described_as_drf_spectacular_does(schema: Any) -> None:
    content = operation(schema, "/buy-at/{conference}/")["requestBody"]["content"]
    assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/Ticket"}}}
    assert schema["components"]["schemas"]["Ticket"]["properties"]["buyer"]["maxLength"] == 20
    (path,) = [
        each for each in operation(schema, "/buy-at/{conference}/")["parameters"] if each["in"] == "path"
    ]
    assert path["name"] == "conference"


@pytest.mark.parametrize("path", ["/buy/", "/sale/buy/"])
def test_what_it_answers_is_described(schema: Any, path: str) -> None:
    told = operation(schema, path)
    answers = told["responses"]
    assert {"200", "201", "400", "401", "403", "409", "412", "422", "429", "503"} <= set(answers)
    answer = schema["components"]["schemas"]["CommandAnswer"]["properties"]
    assert set(answer) == {"events", "position"}
    assert set(answers["201"]["headers"]) == set(answers["200"]["headers"]) == {"Factos-Position", "ETag"}
    refusal = answers["422"]["content"]["application/problem+json"]["schema"]
    assert refusal == {"$ref": "#/components/schemas/CommandRefusal"}
    assert {"code", "fields"} <= set(schema["components"]["schemas"]["CommandRefusal"]["properties"])
    assert set(answers["503"]["headers"]) == {"Retry-After"}
    sent = {each["name"] for each in told["parameters"] if each["in"] == "header"}
    assert sent == {"Idempotency-Key", "If-Match"}
