"""Every block of code of docs/ is run, and prints what the page says; or it is named, with the reason."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.app.defaults import NAMESPACES

from demo_project.settings import BASE_DIR
from tests.docs.accounted import FROM_NOTHING, IN_ORDER, NOT_READ, NOT_RUN, RUN_ELSEWHERE, UNTIL_SEEN
from tests.docs.pages import Block, blocks_of, pages, text_of
from tests.docs.printed import is_as_told
from tests.docs.project import PageProject, commands_of

FOLLOWED = [page for page in pages() if blocks_of(page) and page not in RUN_ELSEWHERE]

SETTINGS = """
SECRET_KEY = "of a page"
INSTALLED_APPS = [
    *["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes"],
    *["django.contrib.messages", "django.contrib.sessions", "django.contrib.staticfiles"],
    *["factos_django", *{apps}],
]
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "page.sqlite3",
        "OPTIONS": {{
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }},
    }}
}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
MAILERS = {{"default": {{"BACKEND": "django.core.mail.backends.console.EmailBackend"}}}}  # of Django 6.1
FACTOS_CELERY_NUDGE = False  # no message of a page goes to a broker that happens to be there
ROOT_URLCONF = {urls!r}
STATIC_URL = "static/"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": ["templates"],
        "APP_DIRS": True,
        "OPTIONS": {{
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        }},
    }}
]
"""

MANAGE = """#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
execute_from_command_line(sys.argv)
"""


def apps_of(blocks: list[Block]) -> list[str]:
    """The packages that the page has Python in."""
    found = {block.path.partition("/")[0] for block in blocks if block.path and block.language == "python"}
    return sorted(name for name in found if not name.endswith(".py") and name != "mysite")


def start(page: str, directory: Path) -> PageProject:
    """A project with the apps of the page; their files come as the page goes on."""
    blocks = blocks_of(page)
    apps = apps_of(blocks)
    for name in ("mysite", *apps):
        (directory / name).mkdir()
        (directory / name / "__init__.py").touch()
    shown = (f"{app}.urls" for app in apps if any(block.path == f"{app}/urls.py" for block in blocks))
    urls = next(shown, "mysite.urls")
    (directory / "mysite" / "urls.py").write_text("urlpatterns = []\n", encoding="utf-8")
    settings = SETTINGS.format(apps=apps, urls=urls)
    (directory / "mysite" / "settings.py").write_text(settings, encoding="utf-8")
    (directory / "manage.py").write_text(MANAGE, encoding="utf-8")
    (directory / "manage.py").chmod(0o755)
    return PageProject(page, directory)


def migrate(directory: Path) -> None:
    done = manage(directory, "migrate", "--run-syncdb", "--verbosity", "0")
    assert done.returncode == 0, done.stderr


def manage(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=directory,
        env={"PYTHONPATH": str(BASE_DIR)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in FOLLOWED if page not in IN_ORDER])
def test_the_project_of_the_page_runs_and_prints_what_the_page_says(page: str, tmp_path: Path) -> None:
    project = start(page, tmp_path)
    try:
        for block in blocks_of(page):
            if block.path:
                project.write(block)
        migrate(tmp_path)
        project.follow([block for block in blocks_of(page) if not block.path])
    finally:
        project.close()
    if any((tmp_path / app / "tests.py").exists() for app in apps_of(blocks_of(page))):
        done = manage(tmp_path, "test", "--verbosity", "0")
        assert done.returncode == 0, done.stderr
        assert re.search(r"Ran [1-9]\d* tests?", done.stderr), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(IN_ORDER))
def test_who_does_what_the_page_says_sees_what_it_says(page: str, tmp_path: Path) -> None:
    project = PageProject(page, tmp_path) if page in FROM_NOTHING else start(page, tmp_path)
    try:
        if page not in FROM_NOTHING:
            migrate(tmp_path)
        project.follow(blocks_of(page))
    finally:
        project.close()


def test_what_is_not_run_is_on_its_page() -> None:
    commands = {
        (page, command)
        for page in pages()
        for block in blocks_of(page)
        if block.language == "console"
        for command, _ in commands_of(block)
    }
    assert (NOT_RUN.keys() | UNTIL_SEEN) - commands == set()
    firsts = {(page, block.text.partition("\n")[0]) for page in pages() for block in blocks_of(page)}
    assert NOT_READ.keys() - firsts == set()
    assert set(FOLLOWED) >= IN_ORDER


@pytest.mark.parametrize(("page", "test"), RUN_ELSEWHERE.items())
def test_a_page_that_is_run_elsewhere_has_a_test_that_reads_it(page: str, test: str) -> None:
    assert f"{Path(page).name}.md" in (BASE_DIR / test).read_text(encoding="utf-8")


def test_the_python_of_the_pages_is_formatted_as_all_other(tmp_path: Path) -> None:
    for page in pages():
        for block in blocks_of(page):
            if block.language == "python":
                (tmp_path / f"{page.replace('/', '-')}-{block.line}.py").write_text(block.text)
    options = ["--line-length", "110", "--isolated", "--diff", "--no-cache"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", *options, "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_what_is_printed_may_be_anything_where_the_page_says_three_dots() -> None:
    assert is_as_told(["at ..., sold", "...", "done"], "at 12:00, sold\n1\n2\ndone\n")
    assert not is_as_told(["at ..., sold"], "at 12:00, sold\nand more\n")
    assert not is_as_told([], "anything\n")


def test_the_settings_of_the_page_about_effects_are_those_of_celery() -> None:
    settings: dict[str, Any] = {}
    for block in blocks_of("how-to/effects"):
        if block.path == "settings.py":
            exec(block.code, settings)
    named = {name.removeprefix("CELERY_").lower() for name in settings if name.startswith("CELERY_")}
    assert len(named) > 5
    assert named <= set(flatten_keys(NAMESPACES))


def flatten_keys(options: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The names of all of Celery's settings."""
    for name, option in options.items():
        if isinstance(option, dict):
            yield from flatten_keys(option, f"{prefix}{name}_")
        else:
            yield f"{prefix}{name}"


def test_no_page_has_code_that_only_looks_like_it() -> None:
    """Code that is indented, or fenced in another way, is run by nobody."""
    for page in pages():
        bare = re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"^\n {4}\S", bare, re.MULTILINE), page
        assert not re.search(r"^(?: +```|~~~)", bare, re.MULTILINE), page
