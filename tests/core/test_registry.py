import importlib
import sys
from dataclasses import dataclass

import pytest

from factos_django import NotAnEvent, RegistrationError, effect_type, event_type, upcaster
from factos_django.core.effect import EFFECT_TYPES
from factos_django.core.event_types import EVENT_TYPES, type_name, type_of

MODULE = """
from dataclasses import dataclass
from factos_django import effect_type, event_type, upcaster

@event_type("reloaded.Opened", version=2, tags=["room:{room}"])
@dataclass(frozen=True)
class Opened:
    room: str

@effect_type("reloaded.Mail")
@dataclass(frozen=True)
class Mail:
    to: str

@upcaster("reloaded.Opened", 1)
def add_room(data):
    return {"room": "hall"}
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "reloaded_events.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module("reloaded_events")
    sys.modules.pop("reloaded_events")


def plain(name="Plain"):
    return dataclass(frozen=True)(type(name, (), {"__module__": "somewhere"}))


def test_a_reloaded_module_takes_its_own_places_again(module):
    first = module.Opened
    again = importlib.reload(module)
    assert again.Opened is not first
    assert EVENT_TYPES.named("reloaded.Opened").cls is again.Opened
    assert EVENT_TYPES.of(again.Opened).name == "reloaded.Opened"
    assert EVENT_TYPES.of(first) is None
    assert EFFECT_TYPES.named("reloaded.Mail").cls is again.Mail
    assert EVENT_TYPES.named("reloaded.Opened").decode(1, "{}") == again.Opened("hall")


def test_two_classes_of_one_name_are_an_error_that_names_both_places():
    event_type("taken")(plain("First"))
    with pytest.raises(RegistrationError) as refused:
        event_type("taken")(plain("Second"))
    assert "somewhere.First" in str(refused.value)
    assert "somewhere.Second" in str(refused.value)
    assert EVENT_TYPES.named("taken").cls.__name__ == "First"


def test_two_names_for_one_class_are_an_error_that_names_both():
    cls = event_type("once")(plain())
    with pytest.raises(RegistrationError) as refused:
        event_type("twice")(cls)
    assert "'once'" in str(refused.value)
    assert "'twice'" in str(refused.value)


def test_two_effects_of_one_name_are_an_error_that_names_both_places():
    effect_type("taken")(plain("First"))
    with pytest.raises(RegistrationError) as refused:
        effect_type("taken")(plain("Second"))
    assert "Effect type" in str(refused.value)
    assert "somewhere.First" in str(refused.value)
    assert "somewhere.Second" in str(refused.value)


def test_an_event_and_an_effect_may_have_the_same_name():
    event_type("shared")(plain())
    effect_type("shared")(plain())


def test_two_upcasters_of_one_step_are_an_error_that_names_both_places():
    def first(data):
        return data

    def second(data):
        return data

    upcaster("stepped", 1)(first)
    with pytest.raises(RegistrationError) as refused:
        upcaster("stepped", 1)(second)
    assert "first" in str(refused.value)
    assert "second" in str(refused.value)


def test_the_same_class_registered_twice_is_the_same_entry():
    cls = event_type("again")(plain())
    assert event_type("again")(cls) is cls
    assert EVENT_TYPES.named("again").cls is EVENT_TYPES.of(cls).cls is cls


def test_a_subclass_is_not_the_event_of_its_base():
    cls = event_type("base")(plain())
    with pytest.raises(NotAnEvent, match="Derived"):
        type_of(dataclass(frozen=True)(type("Derived", (cls,), {}))())


def test_it_finds_by_name_and_by_class_and_lists_all():
    cls = event_type("listed")(plain())
    assert EVENT_TYPES.named("listed").cls is cls
    assert EVENT_TYPES.named("unlisted") is None
    assert "listed" in [each.name for each in EVENT_TYPES]
    assert type_name(cls) == type_name("listed") == "listed"
