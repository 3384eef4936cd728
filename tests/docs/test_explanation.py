"""The pages of explanation: what they name is there, and their pictures can be read by everybody."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from demo_project.settings import BASE_DIR
from factos_django.conf import PREFIX, Defaults
from factos_django.guards.claim import MOST_LOCKS
from factos_django.sql.postgresql import MOST_LOCKS_OF_TRANSACTION
from tests.docs.pages import DOCS, text_of
from tests.reference.tables import names_in, rows_of

PAGES = sorted((DOCS / "explanation").glob("*.md"))
PICTURES = sorted((DOCS / "images").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_files_and_settings_that_a_page_names_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    files = re.findall(r"`((?:tests|factos_django|demo_project)/[\w./]+)`", text)
    assert [each for each in files if not (Path(BASE_DIR) / each).exists()] == []
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+)", text))
    assert named <= set(vars(Defaults))


def test_each_promise_names_the_tests_that_check_it() -> None:
    rows = rows_of(text_of("explanation/promises"), "promise")
    assert [re.findall(r"G\d+", row["promise"]) for row in rows] == [[f"G{n}"] for n in range(1, 11)]
    assert [row["promise"] for row in rows if not names_in(row["which tests check it"])] == []


def test_the_bounds_of_the_guard_are_told() -> None:
    text = text_of("explanation/guard")
    assert f"more than {MOST_LOCKS} locks" in text
    assert f"that holds {MOST_LOCKS_OF_TRANSACTION}" in text


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_drawn_picture_says_in_words_what_it_shows(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    assert root.get("role") == "img"
    said = {"title": root.find(f"{SVG}title"), "description": root.find(f"{SVG}desc")}
    assert root.get("aria-labelledby") == " ".join(
        str(each.get("id")) for each in said.values() if each is not None
    )
    assert all(each is not None and each.text for each in said.values())


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_the_texts_of_a_drawn_picture_have_contrast_in_both_schemes(path: Path) -> None:
    for colours in schemes(path.read_text(encoding="utf-8")):
        texts = [colours[name] for name in ("text", "word", "mark") if name in colours]
        grounds = [colours[name] for name in ("page", "step", "held") if name in colours]
        assert texts
        assert grounds
        assert [(a, b) for a in texts[:1] for b in grounds if contrast(a, b) < 7] == []
        assert [(a, colours["page"]) for a in texts if contrast(a, colours["page"]) < 4.5] == []


def schemes(text: str) -> Iterator[dict[str, str]]:
    """The colours by class, light and dark."""
    light, _, dark = text.partition("prefers-color-scheme: dark")
    fills = re.compile(r"\.(\w+) \{ fill: (#[0-9a-f]{6})")
    assert dark
    yield dict(fills.findall(light))
    yield dict(fills.findall(light)) | dict(fills.findall(dark))


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_is_said_to_be_measured_was_measured() -> None:
    said = [row["measured"] for row in rows_of(text_of("explanation/scaling"), "what")]
    figures = [figure for each in said for figure in re.findall(r"\d[\d,.]*\d", each)]
    assert len(figures) >= len(said) > 5
    assert [figure for figure in figures if f" {figure} " not in text_of("performance")] == []


def test_what_is_said_of_a_peer_was_measured_too() -> None:
    section = text_of("explanation/comparison").partition("## eventsourcing")[2].partition("\n## ")[0]
    figures = re.findall(r"\b\d,\d{3}\b|\b359\b", section)
    assert len(figures) == 6
    assert [figure for figure in figures if f" {figure} " not in text_of("performance")] == []


def test_each_project_that_is_compared_is_told_of_with_links_to_what_it_says() -> None:
    text = text_of("explanation/comparison")
    rows = [row for row in rows_of(text, "project") if "](" in row["project"]]
    assert len(rows) == 6
    for row in rows:
        name = re.findall(r"\[(.*?)\]", row["project"])[0]
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert re.search(r"\d", row["looked at"]), name
        assert len(re.findall(r"\]\(https://", section)) >= 2, name
        assert "**Choose it if**" in section, name


def test_the_layers_are_those_that_are_checked() -> None:
    project = tomllib.loads((Path(BASE_DIR) / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["id"] == "layers")
    told = [names_in(row["layer"]) for row in rows_of(text_of("explanation/files-and-layers"), "layer")]
    assert [set(each) for each in told] == [set(re.findall(r"\w+", layer)) for layer in layers]


def test_the_four_rules_are_those_of_the_demo() -> None:
    rows = rows_of(text_of("explanation/idea"), "rule")
    assert len(rows) == 4
    domains = [path.read_text(encoding="utf-8") for path in Path(BASE_DIR).glob("demo_project/*/domain.py")]
    for row in rows:
        fact, *tags = names_in(row["facts, and their tags"])
        (domain,) = (text for text in domains if f"\nclass {fact}:" in text)
        assert [tag for tag in tags if f'"{tag.partition(":")[0]}:{{' not in domain] == [], fact
        assert set(names_in(row["what can change the answer"])) <= {*tags, "event:gleamconf-2026"}
