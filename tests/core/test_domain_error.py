import copy
import pickle
import subprocess
import sys
from contextlib import contextmanager
from typing import ClassVar

import pytest
from django.utils import translation
from django.utils.translation import gettext_lazy

from demo_project.settings import BASE_DIR
from factos_django import DomainError, fields_of


class OutOfStock(DomainError):
    """Nothing of this article
    is left in stock.
    """

    article: str
    wanted: int = 1


class StillOutOfStock(OutOfStock):
    """Nothing is left, again."""

    since: str


class Closed(DomainError):
    """The shop is closed."""

    code = "shop_closed"
    message = gettext_lazy("Monday")


class ClosedToday(Closed):
    """The shop is closed today."""


class Wordless(DomainError):
    pass


class ToldByField(DomainError):
    """What the docstring says."""

    message: str  # type: ignore[misc]


def test_annotated_fields_are_keyword_arguments_with_defaults():
    error = OutOfStock(article="pen")
    assert (error.article, error.wanted) == ("pen", 1)
    assert OutOfStock(article="pen", wanted=7).wanted == 7


def test_a_missing_unknown_or_positional_argument_is_a_type_error():
    for wrong in (lambda: OutOfStock(), lambda: OutOfStock("pen"), lambda: OutOfStock(article="p", x=1)):
        with pytest.raises(TypeError):
            wrong()


def test_a_subclass_has_the_fields_of_its_base_and_its_own():
    error = StillOutOfStock(article="pen", since="Monday")
    assert fields_of(error) == {"article": "pen", "wanted": 1, "since": "Monday"}


def test_fields_of_an_error_without_fields_are_none():
    assert fields_of(Wordless()) == {}
    assert fields_of(DomainError()) == {}


def test_it_prints_its_docstring_with_the_indentation_cleaned():
    assert str(OutOfStock(article="pen")) == "Nothing of this article\nis left in stock."


def test_it_prints_its_class_name_where_it_has_no_docstring():
    assert str(Wordless()) == "Wordless"


def test_its_repr_shows_class_and_fields():
    assert repr(OutOfStock(article="pen")) == "OutOfStock(article='pen', wanted=1)"


def test_a_message_may_be_a_field_of_each_error():
    assert str(ToldByField(message="what this one says")) == "what this one says"


SCRIPT = """
from factos_django import DomainError, InvalidTag

class SoldOut(DomainError):
    '''The conference has no ticket left.'''
    capacity: int

print(SoldOut(capacity=1))
print(SoldOut(capacity=1).code)
print(InvalidTag(tag="t", reason="r"))
"""


@pytest.mark.parametrize(
    ("flags", "printed"),
    [
        ([], ["The conference has no ticket left.", "SoldOut", "Tag 't' was refused: r."]),
        (["-OO"], ["SoldOut", "SoldOut", "InvalidTag(tag='t', reason='r')"]),
    ],
    ids=["with docstrings", "without docstrings"],
)
def test_under_OO_it_prints_the_class_name(flags, printed):
    done = subprocess.run(
        [sys.executable, *flags, "-c", SCRIPT], cwd=BASE_DIR, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == printed, done.stderr


def test_it_compares_by_identity_and_can_be_hashed():
    one, other = OutOfStock(article="pen"), OutOfStock(article="pen")
    assert one == one
    assert one != other
    assert len({one, other}) == 2


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_pickles_with_its_fields(protocol):
    error = StillOutOfStock(article="pen", wanted=3, since="Monday")
    error.add_note("a note")
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is StillOutOfStock
    assert fields_of(again) == fields_of(error)
    assert again.__notes__ == ["a note"]
    assert str(again) == "Nothing is left, again."


def test_it_copies_with_its_fields():
    for again in (copy.copy(OutOfStock(article="pen")), copy.deepcopy(OutOfStock(article="pen"))):
        assert fields_of(again) == {"article": "pen", "wanted": 1}


@contextmanager
def block():
    yield


def test_it_passes_through_a_context_manager_as_itself():
    error = OutOfStock(article="pen")
    with pytest.raises(OutOfStock) as raised, block(), block():
        raise error
    assert raised.value is error
    assert error.__traceback__ is not None


def test_its_code_is_the_class_name_unless_the_class_says_otherwise():
    assert (OutOfStock.code, StillOutOfStock.code, Closed.code) == (
        "OutOfStock",
        "StillOutOfStock",
        "shop_closed",
    )
    assert Closed().code == "shop_closed"


def test_a_code_is_not_inherited_because_it_names_one_reason():
    assert ClosedToday.code == "ClosedToday"


def test_a_message_may_be_a_lazy_translation():
    error = Closed()
    assert str(error) == "Monday"
    with translation.override("de"):
        assert str(error) == "Montag"


def test_a_message_is_inherited():
    assert str(ClosedToday()) == "Monday"


def test_class_variables_and_plain_attributes_are_no_fields():
    class Priced(DomainError):
        """It costs more."""

        currency: ClassVar[str] = "EUR"
        rate = 2
        price: int

    assert fields_of(Priced(price=1)) == {"price": 1}
    assert fields_of(Closed()) == {}
