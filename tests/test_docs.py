"""The Python of a page of the docs is a project: its blocks are files, or run from top to bottom."""

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

ANYWHERE = "anywhere in your project"

#: The app of each page.
APPS = {
    "how-to/projections": "banking",
    "how-to/effects": "ticketing",
    "how-to/command-endpoints": "ticketing",
    "reference/admin": "shop",
}

#: The apps of Django that a page needs.
NEEDED = {"reference/admin": ["django.contrib.admin", "django.contrib.messages", "django.contrib.sessions"]}

#: The files of its app that a page has to show.
FILES = dict.fromkeys(APPS, ("models", "domain", "factos")) | {
    "how-to/command-endpoints": ("domain", "endpoints", "urls"),
    "reference/admin": ("admin", "urls"),
}

PROJECT = """
import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    INSTALLED_APPS=[
        *["django.contrib.contenttypes", "django.contrib.auth", "factos_django", {app!r}],
        *{needed},
    ],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "page.sqlite3"}}}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    ROOT_URLCONF={app!r} ".urls",
    ALLOWED_HOSTS=["testserver"],
    SECRET_KEY="of a page",
    STATIC_URL="static/",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {{
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {{
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            }},
        }}
    ],
)
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
"""

TESTS = """
from django.test.runner import DiscoverRunner

runner = DiscoverRunner(verbosity=0)
failed = runner.run_tests([{app!r}])
assert failed == 0
"""


def text_of(page: str) -> str:
    return (BASE_DIR / "docs" / f"{page}.md").read_text(encoding="utf-8")


def blocks_of(page: str) -> list[tuple[str, str]]:
    """Where each block of Python belongs, and the block."""
    return re.findall(r"```python\n# (.*?)\n(.*?)```", text_of(page), re.DOTALL)


@pytest.mark.parametrize("page", APPS)
def test_every_block_of_python_says_where_it_belongs(page: str) -> None:
    assert len(blocks_of(page)) == text_of(page).count("```python\n")
    files = {f"{APPS[page]}/{name}.py" for name in FILES[page]}
    assert files | {ANYWHERE} <= {place for place, _ in blocks_of(page)}
    assert {place for place, _ in blocks_of(page)} <= files | {
        ANYWHERE,
        "settings.py",
        f"{APPS[page]}/tests.py",
    }


@pytest.mark.parametrize("page", APPS)
def test_the_project_of_the_page_runs_and_prints_what_the_page_says(page: str, tmp_path: Path) -> None:
    app, blocks = APPS[page], blocks_of(page)
    (tmp_path / app).mkdir()
    (tmp_path / app / "__init__.py").touch()
    (tmp_path / app / "urls.py").write_text("urlpatterns = []\n", encoding="utf-8")
    for place, code in blocks:
        if place != ANYWHERE:
            with (tmp_path / place).open("a", encoding="utf-8") as file:
                file.write(code)
    run = [code for place, code in blocks if place == ANYWHERE]
    tests = [TESTS.format(app=app)] if (tmp_path / app / "tests.py").exists() else []
    script = "\n".join([PROJECT.format(app=app, needed=NEEDED.get(page, [])), *run, *tests])
    (tmp_path / "page.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "page.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(BASE_DIR), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    promised = [line[2:] for code in run for line in code.splitlines() if line.startswith("# ")]
    assert done.stdout.splitlines() == promised
    assert not tests or re.search(r"Ran [1-9]\d* tests", done.stderr), done.stderr


def test_the_settings_of_the_page_are_those_of_celery() -> None:
    settings: dict[str, Any] = {}
    for place, code in blocks_of("how-to/effects"):
        if place == "settings.py":
            exec(code, settings)
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
