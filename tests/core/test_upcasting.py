from dataclasses import dataclass

import pytest

from factos_django import DecodeError, InvalidName, event_type, upcaster
from factos_django.core.event_types import EVENT_TYPES


@dataclass(frozen=True)
class Renamed:
    full_name: str
    country: str


@pytest.fixture
def renamed():
    event_type("Renamed", version=3)(Renamed)
    return EVENT_TYPES.of(Renamed)


@pytest.fixture
def first_step():
    @upcaster("Renamed", 1)
    def join_names(data):
        return {"full_name": f"{data.pop('first')} {data.pop('last')}"}

    return join_names


@pytest.fixture
def second_step():
    @upcaster("Renamed", 2)
    def add_country(data):
        data["country"] = "unknown"
        return data

    return add_country


def test_the_steps_are_chained_from_the_stored_version(renamed, first_step, second_step):
    assert renamed.decode(1, '{"first":"Ada","last":"Lovelace"}') == Renamed("Ada Lovelace", "unknown")
    assert renamed.decode(2, '{"full_name":"Ada"}') == Renamed("Ada", "unknown")
    assert renamed.decode(3, '{"full_name":"Ada","country":"UK"}') == Renamed("Ada", "UK")


def test_a_missing_step_is_a_decode_error_that_names_the_upcaster(renamed, first_step):
    with pytest.raises(DecodeError, match=r"no @upcaster\('Renamed', 2\) leads to version 3") as refused:
        renamed.decode(1, '{"first":"Ada","last":"Lovelace"}', position=5)
    assert (refused.value.version, refused.value.position) == (1, 5)


def test_a_step_that_fails_is_a_decode_error_with_its_error_as_cause(renamed, first_step, second_step):
    with pytest.raises(DecodeError, match="KeyError") as refused:
        renamed.decode(1, '{"first":"Ada"}', position=5)
    assert isinstance(refused.value.__cause__, KeyError)


def test_a_step_whose_result_does_not_fit_is_a_decode_error(renamed, second_step):
    with pytest.raises(DecodeError, match="full_name"):
        renamed.decode(2, '{"name":"Ada"}')


def test_the_decorator_returns_the_function_itself(first_step):
    assert first_step({"first": "a", "last": "b"}) == {"full_name": "a b"}


def test_numbers_and_dates_reach_an_upcaster_as_plain_json(second_step):
    event_type("Renamed", version=3)(Renamed)
    seen = []

    @upcaster("Renamed", 1)
    def look(data):
        seen.append(data)
        return {"full_name": "x"}

    EVENT_TYPES.of(Renamed).decode(1, '{"n": 1, "f": 1.0, "d": "2026-01-01"}')
    assert seen == [{"n": 1, "f": 1.0, "d": "2026-01-01"}]
    assert [type(value) for value in seen[0].values()] == [int, float, str]


def test_a_bad_name_is_refused_at_import():
    with pytest.raises(InvalidName):
        upcaster("a b", 1)


def test_an_upcaster_may_be_registered_before_its_event_type(first_step, second_step):
    event_type("Renamed", version=3)(Renamed)
    assert EVENT_TYPES.of(Renamed).decode(2, '{"full_name":"Ada"}').country == "unknown"
