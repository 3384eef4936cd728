import dataclasses

import pytest

from factos_django import AppendCondition, InvalidPosition, InvalidQuery, Query


@pytest.mark.parametrize("after", [None, 0, 7, 2**63 - 1])
def test_a_condition_is_a_query_and_a_position_or_none(after):
    condition = AppendCondition(Query.all(), after=after)
    assert (condition.fail_if_events_match, condition.after) == (Query.all(), after)


def test_without_position_it_looks_from_the_beginning():
    assert AppendCondition(Query.all()).after is None


@pytest.mark.parametrize("after", [-1, 2**63, 1.5, "1", True])
def test_what_is_no_position_is_refused_at_birth(after):
    with pytest.raises(InvalidPosition):
        AppendCondition(Query.all(), after=after)


@pytest.mark.parametrize("query", [None, "all", {"all": True}, ()])
def test_what_is_no_query_is_refused_at_birth(query):
    with pytest.raises(InvalidQuery):
        AppendCondition(query)


def test_it_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        AppendCondition(Query.all()).after = 3
