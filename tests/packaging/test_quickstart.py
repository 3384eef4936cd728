"""The README's quickstart, pasted line by line into a project; the wheel stands for the name on an index."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from demo_project.settings import BASE_DIR
from tests.packaging.commands import run
from tests.packaging.newcomer import Newcomer, blocks_of

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")
QUICKSTART = README.partition("\n## Quickstart\n")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def newcomer(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    """Somebody with a new virtual environment and a new project in an empty directory.

    What the app depends on comes from the packages of the tests, so that no index is needed.
    """
    directory = tmp_path_factory.mktemp("newcomer")
    made = run([sys.executable, "-m", "venv", "env"], directory)
    assert made.returncode == 0, made.stdout
    (packages,) = (directory / "env").glob("lib/python*/site-packages")
    (packages / "of_the_tests.pth").write_text(f"{others(directory / 'others')}")
    project = directory / "project"
    project.mkdir()
    started = run([sys.executable, "-m", "django", "startproject", "mysite", "."], project)
    assert started.returncode == 0, started.stdout
    return Newcomer(project, directory / "env" / "bin", {"factos-django": str(wheel)})


def others(directory: Path) -> Path:
    """A directory of all packages of the tests but ours, which pip would find installed."""
    directory.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "factos" not in package.name:
            (directory / package.name).symlink_to(package)
    return directory


def test_every_block_of_python_of_the_readme_is_in_its_quickstart() -> None:
    blocks = blocks_of(README)
    quickstart = blocks_of(QUICKSTART)
    assert [block for block in blocks if block[0] == "python" and block not in quickstart] == []
    assert [language for language, _ in quickstart].count("python") > 3


def test_the_quickstart_works_as_it_is_printed(newcomer: Newcomer) -> None:
    newcomer.follow(blocks_of(QUICKSTART))
    where = "import factos_django; print(factos_django.__file__)"
    found = run([str(newcomer.programs / "python"), "-c", where], newcomer.directory)
    assert Path(found.stdout.strip()).is_relative_to(newcomer.programs.parent)


@pytest.mark.parametrize(
    "wrong",
    [
        [("sh", "python -c 'print(1)'\n"), ("text", "2\n")],
        [("sh", "python -c 'raise SystemExit(1)'\n")],
        [("python", "# python manage.py shell\n1 + 1\n# 3\n")],
        [("python", "# python manage.py shell\n1 + 1\n")],
        [("python", "print('It belongs nowhere.')\n")],
    ],
)
def test_a_page_that_does_not_work_as_it_is_printed_is_found_out(
    newcomer: Newcomer, wrong: list[tuple[str, str]]
) -> None:
    with pytest.raises(AssertionError):
        newcomer.follow(wrong)
