"""What the page rest-api.md says is so: its project runs, its commands are answered, its tables are whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo_project.settings import BASE_DIR
from factos_django.conf import Defaults
from factos_django.rest_framework import ApiPermissions, urls
from tests.rest.addresses import PREFIX, template_of, view_of

PAGE = (BASE_DIR / "docs" / "reference" / "rest-api.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_project_of_the_page_runs_and_its_commands_are_answered(tmp_path: Path) -> None:
    (tmp_path / "shows").mkdir()
    (tmp_path / "shows" / "__init__.py").touch()
    for block in blocks("python"):
        place, _, code = block.partition("\n")
        with (tmp_path / place.removeprefix("# ")).open("a", encoding="utf-8") as file:
            file.write(code)
    (tmp_path / "ask.sh").write_text("\n".join(blocks("bash")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.rest.docs_project"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{BASE_DIR}:{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[True, False]", f"{[False] * 7 + [True]}", "403"]


def test_every_address_and_question_is_in_the_tables() -> None:
    told = set(re.findall(r"`(?:GET |POST |\.\.\.)?([a-z-]+/[a-z/{}-]*)`", PAGE))
    missing = {template_of(each).removeprefix(PREFIX) for each in urls.urlpatterns} - told
    assert missing - {"effects/{id}/drop/"} == set()
    questions = {name for name in dir(ApiPermissions) if name.startswith("may_")}
    assert [name for name in questions if f"`{name}`" not in PAGE] == []


def test_every_scope_and_setting_is_told() -> None:
    scopes = {view_of(each).throttle_scope for each in urls.urlpatterns}
    assert [scope for scope in scopes if f"`{scope}`" not in PAGE] == []
    names = [f"FACTOS_{name}" for name in vars(Defaults) if name.startswith(("API_", "FEED_"))]
    assert len(names) == 5
    assert [name for name in names if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("name", ["API_MAX_LIMIT", "FEED_SECONDS", "FEED_MAX_CLIENTS"])
def test_the_defaults_are_those_of_the_page(name: str) -> None:
    assert f"| `FACTOS_{name}` | {getattr(Defaults, name)} |" in PAGE
