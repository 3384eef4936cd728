"""What is proposed to whoever writes a tag."""

from __future__ import annotations

from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from factos_django.store import append
from tests.admin.clients import staff_client
from tests.guards.facts import noted
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])


def test_the_first_tags_that_begin_with_what_is_written_are_proposed(root, store):
    many = [f"order:{number:02}" for number in range(30)]
    append([noted("x", *many, "ümläut/<b>")], using=store.using)
    append([noted("x", "order:00") for _ in range(100)], using=store.using)
    address = reverse("admin:factos_tag_complete")
    assert address == "/admin/factos/tag/complete/"
    with CaptureQueriesContext(connections[store.using]) as statements:
        answer = root.get(address, {"prefix": "order:"})
    assert answer.json() == {"tags": many[:20]}
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"] == "application/json"
    assert len([each for each in statements if "factos_tag" in each["sql"]]) <= 20
    assert root.get(address, {"prefix": "ü"}).json() == {"tags": ["ümläut/<b>"]}
    assert root.get(address).json() == {"tags": many[:20]}
    for prefix in ("none", "a\x00", "\x7f", b"\xff", "x" * 256):
        assert root.get(address, {"prefix": prefix}).json() == {"tags": []}


def test_it_needs_the_permission_to_see_tags(on_store, client):
    address = reverse("admin:factos_tag_complete")
    assert client.get(address).status_code == 302  # to the login
    assert staff_client("nobody", "view_event").get(address).status_code == 403
    tags = staff_client("tags", "view_tag")
    assert tags.get(address).status_code == 200
    assert tags.post(address).status_code == 403
