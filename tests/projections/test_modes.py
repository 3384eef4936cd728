"""A projection that becomes inline, or a follower's: it waits, and one rebuild makes it go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factos_django import RebuildNeeded
from factos_django.models import ProjectionState
from factos_django.projections import catch_up, wait_for
from factos_django.projections.catching_up import Standing
from factos_django.projections.rebuilding import check, rebuild
from factos_django.projections.states import needs_rebuild
from factos_django.store import append, head
from tests.ledger.domain import Deposited
from tests.ledger.factos import followed_balances
from tests.projections.ledgers import BALANCES, balances_in, in_place
from tests.stores import on_databases

inline_balances = replace(followed_balances, mode="inline")


def amounts(using):
    return {account: row[0] for account, row in balances_in(using).items()}


@on_databases()
def test_a_followers_projection_that_becomes_inline_folds_nothing_until_it_is_rebuilt(store):
    append([Deposited("a", 1)], using=store.using)
    catch_up(BALANCES, using=store.using)
    append([Deposited("a", 1), Deposited("b", 1)], using=store.using)  # which the follower has not applied
    with in_place(inline_balances):
        append([Deposited("a", 1)], using=store.using)
        assert amounts(store.using) == {"a": 1}
        assert needs_rebuild(inline_balances, ProjectionState.objects.using(store.using).get(pk=BALANCES))
        rebuild(BALANCES, using=store.using)
        append([Deposited("a", 1)], using=store.using)
        assert amounts(store.using) == {"a": 4, "b": 1}
        assert check(BALANCES, using=store.using).is_right


@on_databases()
def test_an_inline_projection_that_gets_a_follower_counts_nothing_twice(store):
    ProjectionState.objects.using(store.using).filter(pk=BALANCES).delete()
    with in_place(inline_balances):
        append([Deposited("a", 1)], using=store.using)
        rebuild(BALANCES, using=store.using)  # and so it is known as inline
        append([Deposited("a", 1)], using=store.using)
    (done,) = catch_up(BALANCES, using=store.using)
    assert done.standing is Standing.NEEDS_REBUILD
    assert amounts(store.using) == {"a": 2}
    with pytest.raises(RebuildNeeded):
        wait_for(BALANCES, head(store.using), timeout=0, using=store.using)
    rebuild(BALANCES, using=store.using)
    append([Deposited("a", 1)], using=store.using)
    (done,) = catch_up(BALANCES, using=store.using)
    assert done.standing is Standing.CAUGHT_UP
    assert amounts(store.using) == {"a": 3}


@on_databases()
def test_an_append_by_old_code_folds_nothing_into_inline_rows_of_a_newer_version(store):
    append([Deposited("a", 1)], using=store.using)
    newer = replace(inline_balances, version=2)
    with in_place(newer):
        rebuild(BALANCES, using=store.using)
    with in_place(inline_balances):  # a process that was not restarted
        append([Deposited("a", 1)], using=store.using)
    assert amounts(store.using) == {"a": 1}
    with in_place(newer):
        assert needs_rebuild(newer, ProjectionState.objects.using(store.using).get(pk=BALANCES))
        rebuild(BALANCES, using=store.using)
        assert amounts(store.using) == {"a": 2}
        assert not needs_rebuild(newer, ProjectionState.objects.using(store.using).get(pk=BALANCES))
