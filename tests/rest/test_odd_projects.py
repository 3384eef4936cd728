"""What a project wants of its own views does not change the API."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from demo_project.settings import BASE_DIR

SESSION = "rest_framework.authentication.SessionAuthentication"

PROJECTS: dict[str, dict[str, Any]] = {
    "everything otherwise": {"DEFAULT_AUTHENTICATION_CLASSES": [SESSION]},
    "nobody is None": {
        "DEFAULT_AUTHENTICATION_CLASSES": [SESSION],
        "UNAUTHENTICATED_USER": None,
        "UNAUTHENTICATED_TOKEN": None,
    },
    "users of its own": {"DEFAULT_AUTHENTICATION_CLASSES": [SESSION], "user": "members.Member"},
    "no authentication": {"DEFAULT_AUTHENTICATION_CLASSES": []},
}

PROBLEM = "application/problem+json"


@pytest.mark.parametrize("project", PROJECTS)
def test_the_api_is_the_same_in_a_project_that_wants_other_things(project: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.rest.odd_project", json.dumps(PROJECTS[project])],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    strangers = {name: each for name, each in answers.items() if name.startswith("anybody")}
    assert len(strangers) > 3
    assert [name for name, each in strangers.items() if each != [403, PROBLEM]] == []
    others = {name: each for name, each in answers.items() if name not in strangers}
    if project == "no authentication":
        assert set(map(tuple, others.values())) == {(403, PROBLEM), (405, PROBLEM)}
        return
    assert others == {
        "list": [200, "application/json"],
        "query": [200, "application/json"],
        "form": [415, PROBLEM],
        "wrong": [400, PROBLEM],
        "options": [405, PROBLEM],
        "schema": [200, "application/json"],
        "docs": [200, "text/html; charset=utf-8"],
    }
