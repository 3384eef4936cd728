"""The Python of docs/projections.md is a project: its blocks are files, or run from top to bottom."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from demo_project.settings import BASE_DIR

PAGE = BASE_DIR / "docs" / "projections.md"
BLOCKS = re.findall(r"```python\n# (.*?)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
ANYWHERE = "anywhere in your project"

PROJECT = """
import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "factos_django", "banking"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "banking.sqlite3"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
"""


def test_every_block_of_python_says_where_it_belongs() -> None:
    assert len(BLOCKS) == PAGE.read_text(encoding="utf-8").count("```python\n")
    assert {place for place, _ in BLOCKS} == {
        "banking/models.py",
        "banking/domain.py",
        "banking/factos.py",
        ANYWHERE,
    }


def test_the_project_of_the_page_runs_and_prints_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "banking").mkdir()
    (tmp_path / "banking" / "__init__.py").touch()
    for place, code in BLOCKS:
        if place != ANYWHERE:
            with (tmp_path / place).open("a", encoding="utf-8") as file:
                file.write(code)
    run = [code for place, code in BLOCKS if place == ANYWHERE]
    (tmp_path / "page.py").write_text("\n".join([PROJECT, *run]), encoding="utf-8")
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
