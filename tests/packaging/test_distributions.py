"""What is uploaded: a wheel of the package and nothing else, and an sdist that makes the same wheel."""

from __future__ import annotations

import re
import sys
import tarfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from demo_project.settings import BASE_DIR
from tests.packaging.commands import run


def contents(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Message:
    (found,) = [text for name, text in contents(wheel).items() if name.endswith(".dist-info/METADATA")]
    return message_from_bytes(found)


@pytest.fixture(scope="module")
def sdist(released: Path) -> set[str]:
    """The names in the sdist, without the folder that holds them all."""
    (found,) = released.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_wheel_holds_each_file_of_the_package_and_no_other(wheel: Path) -> None:
    package = BASE_DIR / "factos_django"
    files = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    wanted = {path.relative_to(BASE_DIR).as_posix(): path.read_bytes() for path in files}
    found = {name: text for name, text in contents(wheel).items() if ".dist-info/" not in name}
    assert found.keys() == wanted.keys()
    assert found == wanted


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "migrations/0001_initial.py",
        "templates/admin/factos/dashboard.html",
        "static/factos/admin/admin.css",
        "static/factos/api_docs.js",
        "locale/de/LC_MESSAGES/django.mo",
        "management/commands/rebuild_projections.py",
    ],
)
def test_the_wheel_holds_what_is_no_module_that_others_import(wheel: Path, name: str) -> None:
    assert f"factos_django/{name}" in contents(wheel)


def test_the_wheel_that_is_built_from_the_sdist_is_the_one_of_the_checkout(
    wheel: Path, released: Path
) -> None:
    (again,) = released.glob("*.whl")
    assert again.name == wheel.name
    assert contents(again) == contents(wheel)


def test_the_sdist_holds_what_is_needed_to_test_and_to_document_it(sdist: set[str]) -> None:
    assert {"LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml"} <= sdist
    assert {
        "Makefile",
        "manage.py",
        "docs/performance.md",
        "tests/settings.py",
        "demo_project/settings.py",
    } <= sdist
    assert {name for name in sdist if name.startswith(".")} <= {".editorconfig", ".gitignore"}


def test_an_index_would_take_both_without_a_warning(released: Path) -> None:
    files = [str(path) for path in released.iterdir() if path.suffix in {".whl", ".gz"}]
    assert len(files) == 2
    checked = run([sys.executable, "-m", "twine", "--no-color", "check", "--strict", *files], released)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("PASSED") == 2


def test_the_description_on_an_index_points_to_nothing_that_is_not_there(wheel: Path) -> None:
    text = str(metadata(wheel).get_payload())
    addresses = re.findall(r"\]\(([^)]*)\)", text)
    assert addresses
    assert [address for address in addresses if not address.startswith("https://")] == []
    assert "CONTRIBUTING (`CONTRIBUTING.md`)" in text


def test_the_versions_that_are_promised_are_those_of_the_metadata(wheel: Path) -> None:
    classifiers = metadata(wheel).get_all("Classifier", [])
    pythons = re.findall(r"Python :: (3\.\d+)\n", "\n".join([*classifiers, ""]))
    djangos = re.findall(r"Django :: (\d+\.\d+)\n", "\n".join([*classifiers, ""]))
    readme = (BASE_DIR / "README.md").read_text(encoding="utf-8")
    assert f"Python {pythons[0]} to {pythons[-1]}; Django {djangos[0]} to {djangos[-1]};" in readme
    assert metadata(wheel)["Requires-Python"] == f">={pythons[0]}"
