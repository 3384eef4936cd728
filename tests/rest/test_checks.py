"""The checks of the API speak where its addresses are included, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.core.checks import CheckMessage, Tags, run_checks
from django.urls import clear_url_caches, include, path
from rest_framework.exceptions import NotAuthenticated

from demo_project.settings import BASE_DIR
from factos_django.checks import check_api
from factos_django.rest_framework import ApiPermissions

nested = [path("a/", include([path("b/", include("factos_django.rest_framework.urls"))]))]
without: list[Any] = [path("admin/", include("demo_project.ticketing.urls"))]


class Open(ApiPermissions):
    def may_view_events(self) -> bool:
        return True

    def may_view_rows(self, model: Any) -> bool:
        return True


class Closed(ApiPermissions):
    def may_view_events(self) -> bool:
        raise NotAuthenticated

    def may_append(self) -> bool:
        token: Any = self.request.auth
        return bool(token.tenant)


def found(id: str = "factos.") -> list[CheckMessage]:
    return [each for each in check_api(None) if str(each.id).startswith(id)]


@pytest.fixture
def urls(settings: Any) -> Any:
    """Let these patterns be the project's."""

    def choose(patterns: list[Any]) -> None:
        settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": patterns})

    yield choose
    clear_url_caches()


def test_a_closed_api_with_its_apps_is_fine() -> None:
    assert found() == []


@pytest.mark.parametrize("app", ["rest_framework", "django_filters", "drf_spectacular_sidecar"])
def test_each_app_that_is_missing_is_named_with_the_line_to_write(app: str, settings: Any) -> None:
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if each != app]
    [message] = found()
    assert message.id == "factos.E008"
    assert app in message.msg
    assert f'    "{app}",' in str(message.hint)


def test_the_api_is_found_wherever_it_is_included(urls: Any, settings: Any) -> None:
    settings.FACTOS_API_PERMISSIONS = "nowhere.Class"
    urls(nested)
    assert [each.id for each in found()] == ["factos.E009"]
    urls(without)
    assert found() == []


@pytest.mark.parametrize("path", ["nowhere.Class", "tests.rest.test_checks.nested", "datetime.datetime"])
def test_permissions_that_are_none_are_refused(path: str, settings: Any) -> None:
    settings.FACTOS_API_PERMISSIONS = path
    [message] = found()
    assert message.id == "factos.E009"
    assert path in message.msg


def test_each_question_that_anybody_gets_a_yes_to_is_named(settings: Any) -> None:
    settings.FACTOS_API_PERMISSIONS = "tests.rest.test_checks.Open"
    [message] = found()
    assert message.id == "factos.W017"
    assert "may_view_events, may_view_rows of tests.rest.test_checks.Open say yes" in message.msg
    assert "may_append" not in message.msg


def test_permissions_that_refuse_by_an_exception_are_closed(settings: Any) -> None:
    settings.FACTOS_API_PERMISSIONS = "tests.rest.test_checks.Closed"
    assert found() == []


def test_they_run_among_the_checks_of_addresses(settings: Any) -> None:
    settings.FACTOS_API_PERMISSIONS = "tests.rest.test_checks.Open"
    assert "factos.W017" in [each.id for each in run_checks(tags=[Tags.urls])]


def test_without_the_api_nothing_of_rest_framework_is_imported() -> None:
    script = """
import sys, django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "factos_django"],
    ROOT_URLCONF="tests.rest.no_addresses",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
from django.core.checks import run_checks
print([each.id for each in run_checks() if each.id in ("factos.E008", "factos.E009", "factos.W017")])
print([name for name in sys.modules if name.startswith(("rest_framework", "drf_spectacular"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "[]"]
