import pytest

from factos_django.core.errors import InvalidTag
from factos_django.core.tag import TAG_MAX_LENGTH, checked_tag, checked_tags


@pytest.mark.parametrize(
    "tag",
    ["x", " ", "a b", "space ", "événement:é", "\N{GRINNING FACE}", "\u00a0", "\u2028", "x" * TAG_MAX_LENGTH],
)
def test_a_tag_is_kept_as_it_is(tag):
    assert checked_tag(tag) == tag


def test_255_characters_outside_of_the_basic_plane_are_a_tag():
    assert checked_tag("\N{GRINNING FACE}" * 255)


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("", "0 characters"),
        ("x" * 256, "256 characters"),
        ("a\x00", "U+0000"),
        ("a\nb", "U+000A"),
        ("a\x7f", "U+007F"),
        ("a\x9f", "U+009F"),
        ("a\udfff", "U+DFFF"),
        (7, "not int"),
        (None, "not NoneType"),
        (b"a", "not bytes"),
    ],
)
def test_what_is_no_tag_is_refused_with_the_reason(tag, reason):
    with pytest.raises(InvalidTag) as refused:
        checked_tag(tag)
    assert refused.value.tag == tag
    assert reason in refused.value.reason


def test_each_tag_is_kept_once_in_the_order_of_appearance():
    assert checked_tags(["b", "a", "b"]) == ("b", "a")


def test_composed_and_decomposed_letters_are_two_tags():
    assert len(checked_tags(["na\u00efve", "nai\u0308ve"])) == 2


def test_one_string_is_no_list_of_tags():
    with pytest.raises(InvalidTag, match="not one string"):
        checked_tags("abc")
