from typing import Any

from factos_django import View, merge_views, project, project_from

total: View[int, int] = View(initial=0, evolve=lambda state, event: state + event)
seen: View[tuple[Any, ...], Any] = View(initial=(), evolve=lambda state, event: (*state, event))


def test_a_view_folds_in_order_from_its_initial_state():
    assert project(seen, iter([1, 2, 3])) == (1, 2, 3)
    assert project(total, []) == 0


def test_a_view_folds_from_a_given_state():
    assert project_from(seen, (0,), [1]) == (0, 1)
    assert project_from(total, 5, []) == 5


def test_merged_views_keep_both_states_side_by_side():
    both = merge_views(total, seen)
    assert both.initial == (0, ())
    assert project(both, [1, 2]) == (3, (1, 2))
    assert project(merge_views(both, total), [4]) == ((4, (4,)), 4)
