"""The list of facts in the admin."""

from __future__ import annotations

import pytest

from factos_django.store import append
from factos_django.testing.contract import Noted
from tests.stores import on_databases

pytestmark = on_databases(also=["default"])


def test_the_newest_facts_come_first_and_pages_go_by_position(root, store):
    append([Noted(str(number)) for number in range(120)], using=store.using)
    page = root.get("/admin/factos/event/").context["cl"]
    first = [event.position for event in page.result_list]
    assert first == sorted(first, reverse=True)
    assert len(first) == 50
    assert page.newer_url is None
    older = root.get(f"/admin/factos/event/{page.older_url}").context["cl"]
    assert older.result_list[0].position == first[-1] - 1
    oldest = root.get(f"/admin/factos/event/{page.oldest_url}").context["cl"]
    assert oldest.older_url is None
    assert oldest.result_list[-1].position == first[0] - 119


@pytest.mark.parametrize("page", ["event", "tag", "projectionstate", "effect"])
def test_nobody_adds_anything(root, page):
    assert root.get(f"/admin/factos/{page}/").status_code == 200
    assert root.post(f"/admin/factos/{page}/add/").status_code == 403
