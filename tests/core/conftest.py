import sys

import pytest

from factos_django.core.effect import EFFECT_TYPES
from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.registry import Registry
from factos_django.core.upcasting import upcast


@pytest.fixture(autouse=True)
def own_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it: a type with a tag function would satisfy any query."""
    registries: list[Registry] = [EVENT_TYPES, EFFECT_TYPES]  # type: ignore[type-arg]
    for registry in registries:
        monkeypatch.setattr(registry, "_by_name", dict(registry._by_name))
        monkeypatch.setattr(registry, "_by_class", dict(registry._by_class))
    # The package exports a function of the name of this module.
    module = sys.modules[upcast.__module__]
    monkeypatch.setattr(module, "_UPCASTERS", dict(module._UPCASTERS))
