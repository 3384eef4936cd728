"""The Python of the README runs, from top to bottom, as one program."""

import re
from pathlib import Path

import pytest
from celery import _state as celery_state
from django.conf import settings
from django.core import mail
from django.test.utils import isolate_apps

from factos_django.core.effect import EFFECT_TYPES
from factos_django.core.event_types import EVENT_TYPES
from factos_django.registry import HANDLERS, PROJECTIONS, REACTORS
from factos_django.store import append
from factos_django.testing import deliver_effects

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.django_db
@isolate_apps("demo_project.ticketing")  # so the README's model stands for the demo's, over the same table
def test_the_code_of_the_readme_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The demo registers the same names; the README is another project.
    monkeypatch.setattr(EVENT_TYPES, "_by_name", {})
    monkeypatch.setattr(EVENT_TYPES, "_by_class", {})
    for registered in (PROJECTIONS, REACTORS, HANDLERS):
        monkeypatch.setattr(registered, "_by_name", {})
    for names in ("_by_name", "_by_class"):
        monkeypatch.setattr(EFFECT_TYPES, names, {})
    # So does Celery, for every app of this process: the README's task is known to none.
    monkeypatch.setattr(celery_state, "_on_app_finalizers", set())
    monkeypatch.setattr(celery_state, "_get_active_apps", list)
    readme = {
        "__name__": "demo_project.ticketing.readme",
        "DATABASES": {"default": dict(settings.DATABASES["default"])},
    }
    for block in BLOCKS:
        exec(compile(block, str(README), "exec"), readme)
    assert capsys.readouterr().out == "The conference has no ticket left.\n"
    sold = readme["sale"].events  # type: ignore[attr-defined]
    assert [repr(each.event) for each in sold] == ["TicketSold(conference='gleamconf-2026', buyer='renata')"]
    rows = readme["ConferenceSales"].objects.values_list("conference", "capacity", "sold")  # type: ignore[attr-defined]
    assert list(rows) == [("djangocon", 2, 1)]
    append([readme["TicketSold"]("djangocon", "renata")])  # type: ignore[operator]
    assert len(deliver_effects()) == 1
    assert mail.outbox[0].to == ["renata@example.org"]
