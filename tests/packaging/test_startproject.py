"""A project made by `django-admin startproject` that adds the app, from its wheel, and keeps its tests."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dj_database_url
import pytest

from tests.packaging.commands import run
from tests.settings import LEFT_OUT, SERVERS, TEST_NAME

HERE = Path(__file__).parent
ALIASES = [alias for alias in ("sqlite", "postgres", "mariadb") if alias not in LEFT_OUT]

ADDED = """
INSTALLED_APPS += ["factos_django", "shop"]
# Django's own need, for serialized_rollback: after a flush content types come back under other ids.
TEST_NON_SERIALIZED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
"""
URLS = """
from shop.pages import sell
urlpatterns += [path("sell/<hall>/<buyer>/", sell)]
"""
PYTEST_INI = """
[pytest]
DJANGO_SETTINGS_MODULE = site_of_mine.settings
python_files = tests.py by_pytest.py
filterwarnings = error
addopts = -p no:cacheprovider
"""

# Django 6.1 asks the database what it is, and the project's own is not there.
MAKE_MIGRATIONS = """
from django.core.management import call_command
from django.db import connection
made = connection.creation._create_test_db(verbosity=0, autoclobber=True)
connection.close()
connection.settings_dict["NAME"] = made
try:
    call_command("makemigrations", "--check", "--dry-run")
finally:
    connection.close()
    connection.creation._destroy_test_db(made, verbosity=0)
"""

DESTROY = """
from django.db import connection
connection.creation._destroy_test_db(connection.creation._get_test_db_name(), verbosity=0)
"""


@dataclass(frozen=True)
class Project:
    """A Django project in a directory, and a site directory that holds the wheel."""

    directory: Path
    site: Path

    def run(self, *arguments: str) -> str:
        """What `python ARGUMENTS` prints in the project; the test fails with it if it fails."""
        done = run([sys.executable, *arguments], self.directory, PYTHONPATH=str(self.site))
        assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}"
        return done.stdout


def databases(alias: str) -> dict[str, Any] | None:
    """What the project writes to DATABASES; None leaves what startproject wrote."""
    if alias == "sqlite":
        return None
    server = dj_database_url.parse(SERVERS[alias])
    named = {"NAME": f"{TEST_NAME.removeprefix('test_')}_start_{os.environ.get('PYTEST_XDIST_WORKER', '')}"}
    return {"default": {name: value for name, value in server.items() if name != "CONN_MAX_AGE"} | named}


@pytest.fixture(scope="module", params=ALIASES)
def project(request: pytest.FixtureRequest, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    directory = tmp_path_factory.mktemp(f"project-{request.param}")
    made = run([sys.executable, "-m", "django", "startproject", "site_of_mine", "."], directory)
    assert made.returncode == 0, made.stdout
    shutil.copytree(
        HERE / "project" / "shop", directory / "shop", ignore=shutil.ignore_patterns("__pycache__")
    )
    other = databases(request.param)
    with (directory / "site_of_mine" / "settings.py").open("a") as settings:
        settings.write(ADDED if other is None else f"{ADDED}DATABASES = {other!r}\n")
    with (directory / "site_of_mine" / "urls.py").open("a") as urls:
        urls.write(URLS)
    (directory / "pytest.ini").write_text(PYTEST_INI)
    return Project(directory, site)


def outcome(printed: str) -> str:
    """The last line that pytest prints."""
    return printed.strip().splitlines()[-1]


def test_the_app_comes_from_the_wheel(project: Project) -> None:
    where = project.run("-c", "import factos_django, sys; print(factos_django.__file__)")
    assert Path(where.strip()).parent == project.site / "factos_django"


def test_the_migrations_of_a_project_say_all_that_its_projection_model_is(project: Project) -> None:
    assert "No changes detected" in project.run("manage.py", "shell", "-c", MAKE_MIGRATIONS)


def test_the_tests_of_a_project_pass_by_manage_py(project: Project) -> None:
    printed = project.run("manage.py", "test", "--noinput")
    assert "\nRan 18 tests in " in printed
    assert "\nOK\n" in printed


def test_the_tests_of_a_project_pass_by_pytest_on_a_new_database_and_on_one_that_is_reused(
    project: Project,
) -> None:
    try:
        first = project.run("-m", "pytest", "-q", "--create-db", "--reuse-db")
        assert outcome(first).startswith("27 passed")
        # As with any migration's rows: what the last flush removed is not in the database that is kept.
        again = project.run("-m", "pytest", "-q", "--reuse-db", "-k", "not migration and not Migration")
        assert outcome(again).startswith("23 passed")
    finally:
        project.run("manage.py", "shell", "-c", DESTROY)


def test_the_tests_of_a_project_pass_in_two_processes_of_xdist(project: Project) -> None:
    assert outcome(project.run("-m", "pytest", "-q", "-n", "2")).startswith("27 passed")
