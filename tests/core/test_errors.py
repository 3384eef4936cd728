import dataclasses
import pickle
import re
from uuid import UUID

import pytest

import factos_django
from factos_django.core import AppendCondition, Query, errors
from factos_django.core.condition import AppendConditionFailed
from factos_django.core.errors import DecodeError, FactosError, InvalidInput, StoreError, UnknownEventType
from factos_django.core.explained import Explained, fields_of

ERRORS = [getattr(errors, name) for name in errors.__all__]

SAMPLES = {
    "condition": AppendCondition(Query.all(), after=7),
    "positions": (8, 9),
    "position": 11,
    "id": UUID(int=5),
    "version": 3,
    "seconds": 2.5,
}


def made(cls):
    return cls(**{field.name: SAMPLES.get(field.name, f"the {field.name}") for field in fields(cls)})


def fields(cls):
    return dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_the_docstring_is_the_message_and_its_placeholders_are_fields(cls):
    placeholders = set(re.findall(r"{(\w+)", cls.__doc__))
    assert placeholders <= {field.name for field in fields(cls)}
    assert "{" not in str(made(cls))


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_every_error_pickles_with_its_fields(cls):
    error = made(cls)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), fields_of(again), str(again)) == (cls, fields_of(error), str(error))


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_every_error_is_exported_by_the_root_and_is_a_factos_error(cls):
    assert getattr(factos_django, cls.__name__) is cls
    assert issubclass(cls, FactosError)


def test_every_error_of_the_module_is_in_its_all():
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Explained) and value.__module__ == errors.__name__
    }
    assert defined == set(errors.__all__)


def test_tuples_are_shown_with_commas():
    error = AppendConditionFailed(condition=AppendCondition(Query.all()), positions=(3, 5))
    assert "position 3, 5" in str(error)


def test_the_message_shows_the_values_even_if_they_look_like_placeholders():
    assert "{tag!r}" in str(errors.InvalidTag(tag="t", reason="{tag!r} {nothing}"))


def test_bad_input_is_a_value_error_too():
    assert issubclass(InvalidInput, ValueError)


def test_the_four_failures_stay_apart():
    kinds = (factos_django.DomainError, AppendConditionFailed, DecodeError, StoreError)
    for kind in kinds:
        assert not [other for other in kinds if other is not kind and issubclass(kind, other)]
    assert not issubclass(factos_django.DomainError, FactosError)


def test_an_unknown_event_type_is_a_decode_error_whose_position_may_be_unknown():
    error = UnknownEventType(type="Gone", version=2)
    assert isinstance(error, DecodeError)
    assert (error.position, "Gone" in str(error)) == (None, True)
