import json
import re
from decimal import Decimal

import pytest
from hypothesis import example, given, strategies

from factos_django.core.canonical_json import MAX_DEPTH, UnstorableData, decode_json, encode_json

texts = strategies.text(strategies.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
scalars = strategies.one_of(
    strategies.none(),
    strategies.booleans(),
    strategies.integers(),
    strategies.floats(allow_nan=False, allow_infinity=False),
    texts,
)
json_like = strategies.recursive(
    scalars,
    lambda inner: strategies.one_of(
        strategies.lists(inner, max_size=4), strategies.dictionaries(texts, inner, max_size=4)
    ),
    max_leaves=12,
)


def numbers_of(text):
    """The number tokens of JSON text, each as it is written."""
    found = []
    json.loads(
        text, parse_float=lambda token: found.append(token), parse_int=lambda token: found.append(token)
    )
    return found


def typed(value):
    """The value with its types, so that 1, 1.0 and True are three values."""
    match value:
        case list():
            return [typed(each) for each in value]
        case dict():
            return {key: typed(each) for key, each in value.items()}
        case _:
            return type(value).__name__, value


@given(json_like)
@example(1e22)
@example(-1e-7)
@example(5e-324)
@example(1.7976931348623157e308)
@example([-0.0, 0.0, "1e5", "-0.0", '"1e5\\'])
@example({"1e5": 1e16, "a\\": 1e-5})
@example([10**30, -(2**63), 2**64])
def test_what_is_encoded_comes_back_with_the_types_it_had(value):
    assert typed(decode_json(encode_json(value))) == typed(value)


@given(json_like)
@example([1e22, -0.0, 1e-7, 123456789012345680.0])
def test_no_number_is_written_in_a_way_that_jsonb_would_change(value):
    text = encode_json(value)
    for token in numbers_of(text):
        kept = format(Decimal(token), "f")  # jsonb holds numbers as numeric: digits and a scale
        kept = kept.removeprefix("-") if Decimal(token) == 0 else kept  # numeric has no negative zero
        assert token == kept
        assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", token)


@given(json_like)
def test_encoding_again_what_was_decoded_gives_the_same_text(value):
    text = encode_json(value)
    assert encode_json(decode_json(text)) == text


@given(strategies.dictionaries(texts, scalars, min_size=2))
def test_the_order_of_keys_makes_no_difference(value):
    backwards = dict(reversed(value.items()))
    assert encode_json(value) == encode_json(backwards)


def test_the_sign_of_a_zero_is_not_kept_because_jsonb_does_not_keep_it():
    assert encode_json([-0.0, -0.05, "-0.0"]) == b'[0.0,-0.05,"-0.0"]'


def test_numbers_are_written_without_exponents_and_text_is_left_alone():
    assert encode_json([1e22, 1.5e-7, "1e22", {"2e5": 1e16}]) == (
        b'[10000000000000000000000.0,0.00000015,"1e22",{"2e5":10000000000000000.0}]'
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "NaN or infinite"),
        ([float("inf")], "NaN or infinite"),
        ({"a": [None, float("-inf")]}, "NaN or infinite"),
        ("a\x00b", "NUL"),
        ({"a\x00": 1}, "NUL"),
        ("a\ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        ({1: "a", "1": "b"}, "the same text"),
        (1j, "complex"),
    ],
    ids=repr,
)
def test_what_one_of_the_databases_would_refuse_or_change_is_refused(value, reason):
    with pytest.raises(UnstorableData, match=reason):
        encode_json(value)


@pytest.mark.parametrize(
    "value", ["\\u0000", "\\\\u0000", "null", "NaN", {"null": None}, [None, "null"]], ids=repr
)
def test_text_that_only_looks_like_it_is_kept(value):
    assert decode_json(encode_json(value)) == value


def nested(levels, kind):
    value = kind()
    for _ in range(levels - 1):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.mark.parametrize("kind", [list, dict])
def test_it_may_be_nested_as_deeply_as_every_database_takes_and_no_deeper(kind):
    assert decode_json(encode_json(nested(MAX_DEPTH, kind))) == nested(MAX_DEPTH, kind)
    for levels in (MAX_DEPTH + 1, 500, 100_000):
        with pytest.raises(UnstorableData, match="nested deeper than 31 levels"):
            encode_json(nested(levels, kind))


def test_brackets_in_text_are_no_levels():
    value = ["[" * 100 + '"' + "{" * 100] * 40
    assert decode_json(encode_json(value)) == value


def test_many_siblings_are_no_levels():
    assert decode_json(encode_json([[]] * 100)) == [[]] * 100


def test_keys_that_are_no_text_become_text():
    assert encode_json({1: "a", 2: "b"}) == b'{"1":"a","2":"b"}'
