"""What is the same at every address of the API."""

import base64
import json
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.contrib.auth.models import User

from tests.rest.clients import ApiClient
from tests.rest.live import live_server
from tests.stores import Store, on_databases

pytestmark = on_databases(also=["default"])


def test_nobody_gets_in_without_a_login(anybody: ApiClient) -> None:
    answer = anybody.fetch("events/")
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert anybody.send("events/query/", {"query": {"all": True}}).status_code == 403


def test_a_method_that_is_not_there_is_refused_as_such(api: ApiClient) -> None:
    answer = api.delete("/api/events/")
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert api.head("/api/events/").status_code == 200


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "٣"},
        {"limit": "abc"},
        {"after": "9" * 5000},
        {"after": "-1"},
        {"after": "1.5"},
        {"after": str(2**63)},
        {"tag": "a\x00b"},
        {"unknown": "1"},
        {"limit": ["1", "2"]},
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(api: ApiClient, parameters: dict[str, Any]) -> None:
    answer = api.fetch("events/", **parameters)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_it_is_served_by_a_live_server(on_store: Store, interface: str) -> None:
    User.objects.create_superuser("root", password="secret")
    login = base64.b64encode(b"root:secret").decode()
    with live_server(on_store, interface) as (address, _):
        asked = Request(f"{address}events/", headers={"Authorization": f"Basic {login}"})
        with urlopen(asked) as answer:
            assert json.load(answer) == {"events": [], "head": 0, "next": None}
