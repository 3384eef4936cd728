from dataclasses import dataclass
from typing import Any

import pytest

from factos_django import DecodeError, EncodeError, InvalidName, InvalidTag, RegistrationError, event_type
from factos_django.core.event_types import EVENT_TYPES


@dataclass(frozen=True)
class Sold:
    buyer: str
    price: int = 0


@pytest.fixture
def sold():
    event_type("Sold", version=3, tags=("buyer:{buyer}",))(Sold)
    return EVENT_TYPES.of(Sold)


def test_the_decorator_returns_the_class_itself():
    assert event_type("Sold")(Sold) is Sold


@pytest.mark.parametrize("name", ["", "a b", "x" * 101, "é", None])
def test_a_bad_name_is_refused_at_import(name):
    with pytest.raises(InvalidName):
        event_type(name)(Sold)


@pytest.mark.parametrize("version", [0, -1, 32768, 1.0, "1", True, None])
def test_a_version_is_1_to_32767(version):
    with pytest.raises(RegistrationError, match="a version is 1 to 32767"):
        event_type("Sold", version=version)(Sold)


def test_what_is_no_frozen_dataclass_is_refused_and_the_error_tells_what_to_do():
    class Plain:
        pass

    @dataclass
    class Thawed:
        pass

    for wrong, advice in ((Plain, "wrong order"), (Thawed, "frozen=True"), (Sold("ada"), "no dataclass")):
        with pytest.raises(RegistrationError, match=advice):
            event_type("Wrong")(wrong)
    assert EVENT_TYPES.named("Wrong") is None


@pytest.mark.parametrize("bad", ["", "a\nb", "x" * 256])
def test_a_template_that_can_be_no_tag_is_refused_at_import(bad):
    with pytest.raises(InvalidTag):
        event_type("Sold", tags=[bad])(Sold)


def test_tags_may_come_from_a_function_of_the_event():
    event_type("Sold", tags=lambda event: [f"price:{event.price}", f"price:{event.price}"])(Sold)
    kind = EVENT_TYPES.of(Sold)
    assert kind.tags_of(Sold("ada", 7)) == ("price:7",)
    assert kind.could_have_tag("anything")


@pytest.mark.parametrize("bad", [[""], ["a\x00"], [7], "text", ["x" * 256]], ids=repr)
def test_tags_of_a_function_are_checked_at_append(bad):
    event_type("Sold", tags=lambda event: bad)(Sold)
    with pytest.raises(InvalidTag):
        EVENT_TYPES.of(Sold).tags_of(Sold("ada"))


def test_an_event_is_written_and_read(sold):
    assert sold.encode(Sold("ada", 7)) == b'{"buyer":"ada","price":7}'
    assert sold.decode(3, '{"buyer":"ada","price":7}') == Sold("ada", 7)


def test_a_field_of_the_wrong_type_is_an_encode_error_that_names_type_and_field(sold):
    with pytest.raises(
        EncodeError, match=r"Sold cannot be recorded: Expected `int`, got `str` - at `\$.price`"
    ):
        sold.encode(Sold("ada", "seven"))


def test_history_that_the_code_cannot_read_is_a_decode_error_with_its_position(sold):
    with pytest.raises(DecodeError) as refused:
        sold.decode(3, '{"buyer": 7}', position=42)
    error = refused.value
    assert (error.type, error.version, error.position) == ("Sold", 3, 42)
    assert "$.buyer" in error.reason
    assert "position 42" in str(error)


def test_a_version_of_newer_code_is_a_decode_error_that_says_so(sold):
    with pytest.raises(DecodeError, match="newer code wrote it; this code knows version 3"):
        sold.decode(4, '{"buyer":"ada"}')


def test_its_json_schema_is_that_of_the_current_version(sold):
    schema = sold.json_schema()["$defs"]["Sold"]
    assert schema["properties"] == {"buyer": {"type": "string"}, "price": {"type": "integer", "default": 0}}
    assert schema["required"] == ["buyer"]


@dataclass(frozen=True)
class Earlier:
    later: "Later"


@dataclass(frozen=True)
class Later:
    number: int


def test_a_field_may_refer_to_a_class_that_is_defined_later():
    event_type("Earlier")(Earlier)
    kind = EVENT_TYPES.of(Earlier)
    assert kind.decode(1, kind.encode(Earlier(Later(1)))) == Earlier(Later(1))


@dataclass(frozen=True)
class Undecidable:
    either: Sold | Later


def test_a_class_that_no_codec_can_read_is_an_encode_error_and_no_bare_type_error():
    event_type("Undecidable")(Undecidable)
    with pytest.raises((EncodeError, RegistrationError)):
        EVENT_TYPES.of(Undecidable).encode(Undecidable(Later(1)))


@dataclass(frozen=True)
class Lax:
    anything: Any


def test_too_deep_data_is_an_encode_error():
    event_type("Lax")(Lax)
    deep: list[Any] = []
    for _ in range(31):
        deep = [deep]
    with pytest.raises(EncodeError, match="nested deeper"):
        EVENT_TYPES.of(Lax).encode(Lax(deep))
