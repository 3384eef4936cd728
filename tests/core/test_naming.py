import pytest

from factos_django.core.errors import InvalidName
from factos_django.core.naming import NAME_MAX_LENGTH, checked_name


@pytest.mark.parametrize("name", ["a", "TicketSold", "shop.sales:Ticket_Sold-2", "7", "x" * NAME_MAX_LENGTH])
def test_a_name_is_1_to_100_of_the_narrow_alphabet(name):
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "x" * 101, "a b", "a\n", "\x00", "a/b", "é", "a\ud800", "٣", None, 7, b"a"]
)
def test_anything_else_is_no_name_and_the_error_shows_it(name):
    with pytest.raises(InvalidName) as refused:
        checked_name(name)
    assert refused.value.name == name
    assert repr(name) in str(refused.value)
