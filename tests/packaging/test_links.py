"""The pages beside the package link to what is there. (Those of docs/ are judged while the site is built.)"""

from __future__ import annotations

import re

import pytest

from demo_project.settings import BASE_DIR


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_each_link_leads_to_a_file_of_the_checkout(page: str) -> None:
    text = (BASE_DIR / page).read_text(encoding="utf-8")
    linked = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]
    inside = [link for link in linked if not link.startswith("https://")]
    assert inside
    assert [link for link in inside if not (BASE_DIR / link).is_file()] == []
