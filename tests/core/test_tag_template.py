import uuid
from dataclasses import make_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies

from factos_django.core import InvalidTag, RegistrationError, event_type
from factos_django.core.event_types import EVENT_TYPES
from factos_django.core.tag_template import TagTemplate

SOME_UUID = uuid.UUID(int=7)


class Size(Enum):
    SMALL = "small"
    ONE = 1
    EMPTY = ""
    NOTHING = None
    HALF = 0.5


class Colour(StrEnum):
    RED = "red"


class Rank(IntEnum):
    FIRST = 1


def tags_of(template, **fields):
    return list(TagTemplate(template).tags(SimpleNamespace(**fields)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("renata", "renata"),
        (" ", " "),
        (0, "0"),
        (-7, "-7"),
        (2**70, str(2**70)),
        (True, "True"),
        (False, "False"),
        (SOME_UUID, "00000000-0000-0000-0000-000000000007"),
        (date(2026, 2, 1), "2026-02-01"),
        (Size.SMALL, "small"),
        (Size.ONE, "1"),
        (Colour.RED, "red"),
        (Rank.FIRST, "1"),
    ],
    ids=repr,
)
def test_these_types_fill_a_template(value, text):
    assert tags_of("of:{it}", it=value) == [f"of:{text}"]


@pytest.mark.parametrize(
    "value",
    [
        "",
        0.5,
        Decimal(1),
        b"x",
        {"a": 1},
        datetime(2026, 1, 1, tzinfo=UTC),
        1j,
        [["a"]],
        [""],
        ["a", 0.5],
        Size.EMPTY,
        Size.NOTHING,
        Size.HALF,
    ],
    ids=repr,
)
def test_an_empty_string_and_other_types_are_refused_when_the_tags_are_made(value):
    with pytest.raises(InvalidTag) as refused:
        tags_of("of:{it}", it=value)
    assert refused.value.tag == "of:{it}"


def test_an_error_names_the_type_that_cannot_fill_a_template():
    with pytest.raises(InvalidTag, match="float cannot fill it: use str, int, UUID, bool, date or Enum"):
        tags_of("of:{it}", it=0.5)


@pytest.mark.parametrize("members", [["a", "b"], ("a", "b")])
def test_a_sequence_gives_one_tag_a_member_in_its_order(members):
    assert tags_of("of:{it}", it=members) == ["of:a", "of:b"]


@pytest.mark.parametrize("members", [{"a", "b"}, frozenset({"a", "b"})])
def test_a_set_gives_one_tag_a_member(members):
    assert sorted(tags_of("of:{it}", it=members)) == ["of:a", "of:b"]


@pytest.mark.parametrize("nothing", [None, [], set(), [None]])
def test_nothing_in_a_field_gives_no_tag(nothing):
    assert tags_of("of:{it}", it=nothing) == []
    assert tags_of("of:{it}:{other}", it=nothing, other="x") == []


def test_two_fields_give_each_combination():
    assert tags_of("{a}:{b}:{a}", a=["1", "2"], b="x") == ["1:x:1", "2:x:2"]
    assert tags_of("{a}{b}", a=["1", "2"], b=["x", "y"]) == ["1x", "1y", "2x", "2y"]


def test_a_template_without_fields_is_a_tag():
    assert tags_of("everything") == ["everything"]


def test_doubled_braces_are_braces():
    assert tags_of("{{a}}:{a}", a="x") == ["{a}:x"]
    assert TagTemplate("{{a}}:{a}").fields == ("a",)


def test_values_that_look_like_templates_are_only_text():
    assert tags_of("{a}:{b}", a="{b}", b="{a.__class__}") == ["{b}:{a.__class__}"]


@pytest.mark.parametrize("text", ["{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>3}", "{a b}", "{", "}", "{a"])
def test_a_template_holds_plain_field_names(text):
    with pytest.raises(InvalidTag):
        TagTemplate(text)


def test_an_unknown_field_is_an_error_at_import_that_names_the_fields_there_are():
    with pytest.raises(RegistrationError, match=r"'buier', and the fields are \['buyer'\]"):
        event_type("Sold", tags=("buyer:{buier}",))(make_dataclass("Sold", ["buyer"], frozen=True))


def test_one_string_for_tags_is_an_error_at_import():
    with pytest.raises(RegistrationError, match="a list, not one string"):
        event_type("Sold", tags="buyer:{buyer}")(make_dataclass("Sold", ["buyer"], frozen=True))


def test_a_tag_that_is_too_long_or_holds_control_characters_is_refused_with_the_tag():
    cls = event_type("Sold", tags=("buyer:{buyer}",))(make_dataclass("Sold", ["buyer"], frozen=True))
    kind = EVENT_TYPES.of(cls)
    for buyer in ("x" * 250, "a\nb", "a\x00"):
        with pytest.raises(InvalidTag) as refused:
            kind.tags_of(cls(buyer))
        assert refused.value.tag == f"buyer:{buyer}"


def test_two_templates_that_give_the_same_tag_give_it_once():
    Moved = make_dataclass("Moved", ["source", "target"], frozen=True)
    cls = event_type("Moved", tags=("place:{source}", "place:{target}"))(Moved)
    assert EVENT_TYPES.of(cls).tags_of(cls("a", "b")) == ("place:a", "place:b")
    assert EVENT_TYPES.of(cls).tags_of(cls("a", "a")) == ("place:a",)


FIELDS = ("a", "b", "c")
values = strategies.one_of(
    strategies.text(min_size=1),
    strategies.integers(),
    strategies.booleans(),
    strategies.uuids(),
    strategies.dates(),
    strategies.none(),
    strategies.sampled_from([Size.SMALL, Size.ONE, *Colour, *Rank]),
)
fillings = strategies.fixed_dictionaries(
    {name: strategies.one_of(values, strategies.lists(values, max_size=3)) for name in FIELDS}
)
templates = strategies.lists(
    strategies.one_of(
        strategies.text().map(lambda text: text.replace("{", "{{").replace("}", "}}")),
        strategies.sampled_from(["{a}", "{b}", "{c}", "{a}:{b}", ".*", "\\", "(", "{{"]),
    )
).map("".join)


@given(template=templates.map(TagTemplate), fields=fillings)
def test_whatever_a_template_yields_it_could_yield(template, fields):
    for tag in template.tags(SimpleNamespace(**fields)):
        assert template.could_yield(tag)


@pytest.mark.parametrize(
    ("template", "tag", "could"),
    [
        ("event:{conference}", "event:gleamconf", True),
        ("event:{conference}", "event:", False),
        ("event:{conference}", "evnt:gleamconf", False),
        ("event:{conference}", "my-event:gleamconf", False),
        ("event.{conference}", "eventXgleamconf", False),
        ("{a}:end", "x:end", True),
        ("{a}:end", "x:end2", False),
        ("all", "all", True),
        ("all", "all ", False),
    ],
)
def test_it_tells_a_tag_that_it_could_never_yield(template, tag, could):
    assert TagTemplate(template).could_yield(tag) is could
