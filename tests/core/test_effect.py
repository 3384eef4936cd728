from dataclasses import dataclass

import pytest

from factos_django import Deliver, InvalidDelivery, InvalidName, RegistrationError, effect_type
from factos_django.core.effect import EFFECT_TYPES


@dataclass(frozen=True)
class Mail:
    to: str


def test_an_effect_is_a_frozen_dataclass_under_a_name_and_a_version():
    assert effect_type("Mail", version=2)(Mail) is Mail
    kind = EFFECT_TYPES.of(Mail)
    assert (kind.name, kind.version) == ("Mail", 2)
    assert kind.codec.decode(kind.codec.encode(Mail("ada"))) == Mail("ada")


def test_what_is_no_frozen_dataclass_is_refused():
    class Plain:
        pass

    @dataclass
    class Thawed:
        pass

    for wrong in (Plain, Thawed):
        with pytest.raises(RegistrationError, match="Effect type 'Wrong'"):
            effect_type("Wrong")(wrong)


def test_a_bad_name_is_refused_at_import():
    with pytest.raises(InvalidName):
        effect_type("a b")(Mail)


@pytest.mark.parametrize("version", [0, -1, 32768, 1.0, "1", True])
def test_a_version_is_1_to_32767(version):
    with pytest.raises(RegistrationError, match="a version is 1 to 32767"):
        effect_type("Mail", version=version)(Mail)


def test_an_effect_is_delivered_at_once_under_its_ordinal_unless_wished_otherwise():
    assert Deliver(Mail("ada")) == Deliver(Mail("ada"), key=None, ordering_key=None, delay=0.0)
    wishes = Deliver(Mail("ada"), key="k", ordering_key="x" * 255, delay=60)
    assert (wishes.key, wishes.ordering_key, wishes.delay) == ("k", "x" * 255, 60)


@pytest.mark.parametrize("key", ["", "x" * 256, 7, b"k", "\x00", "\ud800"])
@pytest.mark.parametrize("field", ["key", "ordering_key"])
def test_a_key_that_cannot_be_stored_is_refused_at_birth(field, key):
    with pytest.raises(InvalidDelivery):
        Deliver(Mail("ada"), **{field: key})


@pytest.mark.parametrize("delay", [-1, -0.001, float("nan"), float("inf")])
def test_a_delay_is_a_number_of_seconds_from_0(delay):
    with pytest.raises(InvalidDelivery, match="seconds"):
        Deliver(Mail("ada"), delay=delay)
