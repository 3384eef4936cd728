import pytest

from factos_django.core.errors import InvalidPosition
from factos_django.core.position import LAST_POSITION, checked_position


@pytest.mark.parametrize("position", [0, 1, LAST_POSITION])
def test_a_position_is_what_a_bigint_holds_from_0(position):
    assert checked_position(position) == position


@pytest.mark.parametrize("position", [-1, LAST_POSITION + 1, 1.0, "1", None, True])
def test_anything_else_is_no_position(position):
    with pytest.raises(InvalidPosition) as refused:
        checked_position(position)
    assert refused.value.position is position
