import pytest

from factos_django.core import metadata as keys
from factos_django.core.errors import InvalidMetadata
from factos_django.core.metadata import checked_idempotency_key, checked_metadata


def test_the_keys_that_factos_knows():
    assert [keys.CORRELATION_ID, keys.CAUSATION_ID, keys.ACTOR, keys.SOURCE_CONTEXT] == [
        "correlation_id",
        "causation_id",
        "actor",
        "source_context",
    ]
    assert [keys.IDEMPOTENCY_KEY, keys.OPERATION_ID] == ["idempotency_key", "operation_id"]


def test_any_name_takes_a_scalar_or_nothing():
    metadata = {"actor": "renata", "n": 1, "f": 0.5, "yes": True, "none": None, "größe": "ß"}
    assert checked_metadata(metadata) == metadata
    assert checked_metadata(None) == {}


def test_it_is_a_copy():
    metadata = {"actor": "renata"}
    checked = checked_metadata(metadata)
    metadata["actor"] = "ada"
    assert checked == {"actor": "renata"}


@pytest.mark.parametrize(
    ("metadata", "key"),
    [
        ({"": 1}, ""),
        ({"x" * 256: 1}, "x" * 256),
        ({7: 1}, 7),
        ({"a\x00": 1}, "a\x00"),
        ({"a\ud800": 1}, "a\ud800"),
        ({"a": "\x00"}, "a"),
        ({"a": "\udc00"}, "a"),
        ({"a": []}, "a"),
        ({"a": {}}, "a"),
        ({"a": b""}, "a"),
        ({"a": object}, "a"),
        ("text", "text"),
        ([("a", 1)], [("a", 1)]),
    ],
)
def test_other_metadata_is_refused_naming_the_key(metadata, key):
    with pytest.raises(InvalidMetadata) as refused:
        checked_metadata(metadata)
    assert refused.value.key == key


def test_an_idempotency_key_is_refused_as_metadata_and_the_error_names_the_argument():
    with pytest.raises(InvalidMetadata, match="idempotency_key="):
        checked_metadata({"idempotency_key": "k"})


@pytest.mark.parametrize("key", ["k", "x" * 255, "trailing ", "\n"])
def test_an_idempotency_key_is_1_to_255_characters(key):
    assert checked_idempotency_key(key) == key


@pytest.mark.parametrize("key", ["", "x" * 256, "\x00", "\ud800", None, 7, b"k"])
def test_other_idempotency_keys_are_refused(key):
    with pytest.raises(InvalidMetadata) as refused:
        checked_idempotency_key(key)
    assert refused.value.key == "idempotency_key"
