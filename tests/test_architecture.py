"""Import-linter holds the layers of the house, and these tests hold import-linter."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo_project.settings import BASE_DIR

LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LINT, "--no-cache"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what import-linter looks at, to be broken."""
    for package in ("factos_django", "demo_project"):
        shutil.copytree(BASE_DIR / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(BASE_DIR / "pyproject.toml", tmp_path)
    return tmp_path


def test_no_layer_imports_one_above_it():
    done = lint_imports(BASE_DIR)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("path", "line", "broken"),
    [
        ("factos_django/core/tag.py", "import django", "The core is pure"),
        ("factos_django/core/tag.py", "import factos_django.store", "nothing imports upward"),
        ("factos_django/store/reading.py", "import factos_django.dispatch", "nothing imports upward"),
        ("factos_django/store/reading.py", "import celery", "Celery is imported by tasks only"),
        ("factos_django/testing/given.py", "import factos_django.checks", "nothing imports upward"),
        ("demo_project/ticketing/domain.py", "import django", "The demo's domain is pure"),
        ("demo_project/showcase/names.py", "import django", "The demo's domain is pure"),
        ("demo_project/banking/factos.py", "import demo_project.showcase", "known to no context"),
    ],
)
def test_an_import_that_breaks_a_contract_is_found(copy, path, line, broken):
    file = copy / path
    file.write_text(file.read_text() + f"\n{line}\n")
    done = lint_imports(copy)
    assert done.returncode == 1
    assert any(f"{broken} BROKEN" in row for row in done.stdout.splitlines()), done.stdout
