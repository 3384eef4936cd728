"""The frame of the demo: its first page, the way to the others, and who may read the log."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.staticfiles import finders
from django.core.checks import run_checks
from django.shortcuts import render
from django.urls import path, reverse

from demo_project.settings import FACTOS_API_PERMISSIONS, SILENCED_SYSTEM_CHECKS
from demo_project.ticketing.domain import ConferenceOpened
from demo_project.urls import urlpatterns as pages_of_the_demo
from factos_django.store import append

pytestmark = pytest.mark.django_db


def tell(request: Any) -> Any:
    messages.success(request, "Sold as <b>#12</b>.")
    return render(request, "home.html")


urlpatterns = [path("tell/", tell), *pages_of_the_demo]


@pytest.fixture
def open_api(settings):
    settings.FACTOS_API_PERMISSIONS = FACTOS_API_PERMISSIONS


def test_the_first_page_says_the_idea_and_leads_to_the_others(client):
    html = client.get("/").content.decode()
    lead = re.search(r'<p class="lead">(.*?)</p>', html, re.DOTALL)
    assert lead is not None
    assert lead[1].count(".\n") == 5
    for address in (reverse("ticketing:home"), reverse("admin:index"), reverse("factos:docs")):
        assert html.count(f'href="{address}"') >= 2  # in the frame, and among the words


def test_the_frame_says_where_one_is(client):
    assert 'href="/" aria-current="page"' in client.get("/").content.decode()
    html = client.get("/tickets/").content.decode()
    assert 'href="/tickets/" aria-current="true"' in html
    assert html.count("aria-current") == 1


def test_the_first_page_changes_nothing(client):
    assert client.post("/").status_code == 405


def test_the_files_of_the_frame_are_there(client):
    files = re.findall(r'(?:href|src)="/static/([^"]+)"', client.get("/").content.decode())
    assert files
    assert all(finders.find(file) for file in files)


@pytest.mark.urls(__name__)
def test_what_came_of_something_is_told_as_text(client):
    assert '<li class="success">Sold as &lt;b&gt;#12&lt;/b&gt;.</li>' in client.get("/tell/").content.decode()


def test_anybody_may_read_the_log_its_types_and_the_description(client, open_api):
    append([ConferenceOpened("djangocon", 2)])
    (fact,) = client.get("/api/events/").json()["events"]
    assert fact["data"] == {"conference": "djangocon", "capacity": 2}
    for address in ("event-types/", "schema/", "docs/", "events/feed/"):
        assert client.head(f"/api/{address}").status_code == 200, address


def test_nobody_does_or_sees_more_without_a_permission(client, open_api):
    append([ConferenceOpened("djangocon", 2)])
    fact = {"events": [{"type": "ConferenceOpened", "data": {"conference": "x", "capacity": 1}}]}
    for address in ("events/append/", "projections/ticketing.sales/rebuild/", "effects/1/retry/"):
        answer = client.post(f"/api/{address}", fact, content_type="application/json")
        assert answer.status_code in (401, 403), address
    for address in ("tags/", "projections/", "projections/ticketing.sales/rows/", "effects/"):
        assert client.get(f"/api/{address}").status_code in (401, 403), address


def test_the_check_warns_of_it_and_is_silenced_by_name(settings, open_api):
    assert "factos.W017" in SILENCED_SYSTEM_CHECKS
    (warning,) = [each for each in run_checks() if each.id == "factos.W017"]
    assert "may_append" not in warning.msg
