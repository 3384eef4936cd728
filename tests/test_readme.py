"""The Python of the README runs, from top to bottom, as one program."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from factos_django.core.event_types import EVENT_TYPES

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.django_db
def test_the_code_of_the_readme_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The demo registers the same names; the README is another project.
    monkeypatch.setattr(EVENT_TYPES, "_by_name", {})
    monkeypatch.setattr(EVENT_TYPES, "_by_class", {})
    readme = {"__name__": "readme", "DATABASES": {"default": dict(settings.DATABASES["default"])}}
    for block in BLOCKS:
        exec(compile(block, str(README), "exec"), readme)
    assert capsys.readouterr().out == "The conference has no ticket left.\n"
    sold = readme["sale"].events  # type: ignore[attr-defined]
    assert [repr(each.event) for each in sold] == ["TicketSold(conference='gleamconf-2026', buyer='renata')"]
