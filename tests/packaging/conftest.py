from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from demo_project.settings import BASE_DIR
from tests.packaging.commands import run

#: What builds the package: where it is installed, nothing is fetched.
BACKEND = ("hatchling", "hatch_fancy_pypi_readme")


def build(source: Path, into: Path, *kinds: str) -> None:
    """Build these of the source (``--wheel``, ``--sdist``; neither: an sdist, and the wheel from it)."""
    isolation = ["--no-isolation"] if all(map(find_spec, BACKEND)) else []
    built = run([sys.executable, "-m", "build", *kinds, *isolation, "-o", str(into), str(source)], into)
    assert built.returncode == 0, built.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    made = tmp_path_factory.mktemp("wheel")
    build(BASE_DIR, made, "--wheel")
    (found,) = made.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of what `make wheel` uploads: the sdist, and the wheel that is built from it."""
    made = tmp_path_factory.mktemp("dist")
    build(BASE_DIR, made)
    return made


@pytest.fixture(scope="session")
def site(wheel: Path) -> Path:
    """A directory of packages in which the wheel is installed."""
    directory = wheel.parent / "site"
    options = ["--no-deps", "--no-index", "--quiet", "--target", str(directory)]
    installed = run([sys.executable, "-m", "pip", "install", *options, str(wheel)], wheel.parent)
    assert installed.returncode == 0, installed.stdout
    return directory
