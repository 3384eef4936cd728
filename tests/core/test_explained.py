import dataclasses
import inspect

import pytest

from factos_django.core.explained import Explained, fields_of


class Failed(Explained):
    """It failed."""

    where: str


def test_a_field_can_be_read_and_written_because_it_is_an_ordinary_exception():
    error = Failed(where="here")
    error.where = "there"
    error.__cause__ = ValueError("why")
    error.__traceback__ = None
    assert fields_of(error) == {"where": "there"}


def test_the_signature_names_the_fields_as_keywords():
    parameters = inspect.signature(Failed).parameters
    assert [(name, parameter.kind) for name, parameter in parameters.items()] == [
        ("where", inspect.Parameter.KEYWORD_ONLY)
    ]


def test_dataclasses_writes_no_signature_into_a_missing_docstring():
    class Undocumented(Explained):
        where: str

    assert Undocumented.__doc__ is None
    assert str(Undocumented(where="here")) == "Undocumented"


def test_a_class_may_have_its_own_initialiser():
    class Computed(Explained):
        """Computed."""

        total: int

        def __init__(self, *parts: int) -> None:
            self.total = sum(parts)

    assert fields_of(Computed(1, 2)) == {"total": 3}


def test_it_is_not_frozen_whatever_the_subclass():
    class Deeper(Failed):
        """Deeper."""

    assert not dataclasses.fields(Deeper)[0].metadata
    assert not Deeper.__dataclass_params__.frozen


def test_a_bare_explained_has_no_fields():
    assert fields_of(Explained("text")) == {}
    with pytest.raises(Explained, match="exception"):
        raise Explained
