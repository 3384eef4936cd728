"""Markup in facts stays text: nothing that the API sends is a page, but the one that describes it."""

from typing import Any

import pytest

from tests.rest.clients import ApiClient
from tests.stores import on_databases

pytestmark = on_databases("default", also=["default"])

MARKUP = ["<script>alert(1)</script>", "</pre><img src=x onerror=alert(1)>", "javascript:alert(1)"]


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_a_fact_comes_back_as_json_that_no_browser_takes_for_a_page(
    api: ApiClient, settings: Any, text: str
) -> None:
    settings.FACTOS_API_UNREGISTERED_TYPES = True
    fact = {"type": "shop.Noted", "data": {"note": text, text: 1}, "tags": [text], "metadata": {"why": text}}
    assert api.send("events/append/", {"events": [fact]}).status_code == 201
    for path in ("events/", "tags/"):
        answer = api.fetch(path)
        assert text in str(answer.json())
        assert answer["Content-Type"] == "application/json"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert api.get(f"/api/{path}", headers={"Accept": "text/html"}).status_code == 406


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_what_is_refused_comes_back_as_json(api: ApiClient, text: str) -> None:
    for answer in (
        api.fetch("events/", **{text: "1"}),
        api.fetch("events/", limit=text),
        api.send("events/append/", {"events": [{"type": text, "data": {}}]}),
        api.send("events/query/", {text: 1}),
    ):
        assert answer.status_code in (400, 422)
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_page_of_the_api_shows_no_fact(api: ApiClient, settings: Any) -> None:
    settings.FACTOS_API_UNREGISTERED_TYPES = True
    api.send("events/append/", {"events": [{"type": "shop.Noted", "data": {}, "tags": [MARKUP[0]]}]})
    page = api.fetch("docs/")
    assert page.status_code == 200
    assert MARKUP[0].encode() not in page.content
