"""Projections and effects in a project's own TestCase, with no broker: on every database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from celery import current_app
from django.conf import settings
from django.db import connections, transaction
from django.test import TestCase, TransactionTestCase

from factos_django import Deliver, Delivery, InsideTransaction, UnknownEffectType, UnknownProjection
from factos_django.core.errors import ProjectionStopped
from factos_django.models import Effect, Event
from factos_django.projections.catching_up import Standing
from factos_django.registry import HANDLERS
from factos_django.store import append
from factos_django.tasks import EffectTask
from factos_django.testing import deliver_effects, given, pending_effects, run_projections
from tests.ledger.domain import Deposited, Transferred
from tests.ledger.factos import followed_balances
from tests.ledger.models import FollowedBalance, FollowedEntry
from tests.parcels.domain import Bill, Notify, ParcelSent
from tests.parcels.factos import BadAddress, bills, notifications, notify


def send(using: str, *parcels: ParcelSent) -> list[int]:
    return [each.position for each in append(parcels, using=using)]


def keys(delivered: list[Delivery]) -> list[str]:
    return [each.key for each in delivered]


class InTestCase:
    """What holds in a TestCase of the database ``using``."""

    using: ClassVar[str]
    delivered_for_all: ClassVar[list[Delivery]]
    captureOnCommitCallbacks: ClassVar[Any]

    @classmethod
    def setUpTestData(cls) -> None:
        send(cls.using, ParcelSent("p0", "ada"))
        append([Deposited("ada", 5)], using=cls.using)
        cls.delivered_for_all = deliver_effects(using=cls.using)
        run_projections(using=cls.using)

    def test_what_was_delivered_for_all_tests_is_delivered(self) -> None:
        (delivery,) = self.delivered_for_all
        assert delivery.reactor == "parcels.notify"
        assert Effect.objects.using(self.using).get().state == "done"
        assert deliver_effects(using=self.using) == []
        assert FollowedBalance.objects.using(self.using).get().amount == 5

    def test_effects_of_this_test_are_pending_and_then_delivered_in_the_order_of_positions(self) -> None:
        positions = send(self.using, ParcelSent("p1", "ida"), ParcelSent("p2", "ida", billed="fine"))
        expected = [Notify("p1", "fine"), Notify("p2", "fine"), Bill("p2", "fine")]
        pending = pending_effects(using=self.using)
        assert sorted(pending, key=repr) == sorted(expected, key=repr)
        assert pending[0] == Notify("p1", "fine")
        assert pending_effects(Bill, using=self.using) == [Bill("p2", "fine")]
        delivered = deliver_effects(using=self.using)
        assert [each.position for each in delivered] == [positions[0], positions[1], positions[1]]
        assert {each.attempt for each in delivered} == {1}
        assert {each.using for each in delivered} == {self.using}
        assert len(set(keys(delivered))) == 3
        assert pending_effects(using=self.using) == []

    def test_effects_of_one_type_are_delivered_alone(self) -> None:
        send(self.using, ParcelSent("p1", "ida", billed="fine"))
        assert len(deliver_effects(Bill, using=self.using)) == 1
        assert pending_effects(using=self.using) == [Notify("p1", "fine")]

    def test_what_a_handler_raises_is_recorded_and_raised_and_the_next_call_tries_again(self) -> None:
        send(self.using, ParcelSent("p1", "ida", told="fails 1"), ParcelSent("p2", "ida"))
        with pytest.raises(OSError, match="attempt 1 failed"):
            deliver_effects(using=self.using)
        row = Effect.objects.using(self.using).filter(state="pending").order_by("position")[0]
        assert (row.attempts, row.error) == (1, "OSError: attempt 1 failed")
        assert len(pending_effects(using=self.using)) == 2
        assert [each.attempt for each in deliver_effects(using=self.using)] == [2, 1]

    def test_without_raising_each_effect_is_attempted_once(self) -> None:
        send(self.using, ParcelSent("p1", "ida", told="fails 3"), ParcelSent("p2", "ida"))
        assert len(deliver_effects(raising=False, using=self.using)) == 1
        assert deliver_effects(raising=False, using=self.using) == []
        assert Effect.objects.using(self.using).get(state="pending").attempts == 2
        assert deliver_effects(raising=False, using=self.using) == []
        (last,) = deliver_effects(raising=False, using=self.using)
        assert last.attempt == 4

    def test_what_is_fatal_is_raised_and_dead_and_pending_no_more(self) -> None:
        send(self.using, ParcelSent("p1", "ida", told="fatal"))
        with pytest.raises(BadAddress):
            deliver_effects(using=self.using)
        assert pending_effects(using=self.using) == []
        assert Effect.objects.using(self.using).get(state="dead").attempts == 1

    def test_what_waits_behind_a_failing_one_of_its_ordering_key_is_left(self) -> None:
        first, second, third = send(
            self.using,
            ParcelSent("p1", "ida", told="", billed="fails 1"),
            ParcelSent("p2", "ida", told="", billed="fine"),
            ParcelSent("p3", "eva", told="", billed="fine"),
        )
        assert [each.position for each in deliver_effects(raising=False, using=self.using)] == [third]
        assert [each.position for each in deliver_effects(raising=False, using=self.using)] == [first, second]

    def test_what_a_handler_causes_is_delivered_in_the_same_call(self) -> None:
        send(self.using, ParcelSent("p1", "ida", told="reports"))
        with replaced(notify, lambda effect, delivery: causing(effect, delivery, until=3)):
            delivered = deliver_effects(using=self.using)
        assert [each.metadata.get("causation_id") for each in delivered][1:] == [
            str(each.event_id) for each in delivered[:-1]
        ]
        assert len(delivered) == 4

    def test_effects_that_cause_effects_without_end_are_told(self) -> None:
        send(self.using, ParcelSent("p1", "ida", told="reports"))
        told = pytest.raises(AssertionError, match=r"100 times over, parcels\.Notify among them")
        with replaced(notify, lambda effect, delivery: causing(effect, delivery, until=10_000)), told:
            deliver_effects(using=self.using)

    def test_a_fact_that_a_handler_appends_is_in_the_log(self) -> None:
        send(self.using, ParcelSent("p1", "ida", told="reports"))
        deliver_effects(using=self.using)
        assert Event.objects.using(self.using).filter(type="parcels.Reported").count() == 1

    def test_an_effect_without_a_handler_is_told(self) -> None:
        send(self.using, ParcelSent("p1", "ida"))
        HANDLERS.unregister("parcels.Notify")
        try:
            with pytest.raises(AssertionError, match=r"no handler delivers parcels\.Notify"):
                deliver_effects(using=self.using)
            assert deliver_effects(raising=False, using=self.using) == []
        finally:
            HANDLERS.register(notify)
        assert pending_effects(using=self.using) == [Notify("p1", "fine")]

    def test_what_is_no_effect_type_is_refused(self) -> None:
        with pytest.raises(UnknownEffectType, match="ParcelSent"):
            deliver_effects(ParcelSent, using=self.using)
        with pytest.raises(UnknownEffectType, match="ParcelSent"):
            pending_effects(ParcelSent, using=self.using)

    def test_nothing_is_delivered_inside_a_transaction_of_the_test(self) -> None:
        with transaction.atomic(using=self.using):
            send(self.using, ParcelSent("p1", "ida"))
            with pytest.raises(InsideTransaction):
                deliver_effects(using=self.using)
        assert len(deliver_effects(using=self.using)) == 1

    def test_projections_fold_the_facts_of_this_test(self) -> None:
        append([Deposited("ida", 9), Transferred("ida", "ada", 4)], using=self.using)
        done = {each.name: each for each in run_projections(using=self.using)}
        amounts = FollowedBalance.objects.using(self.using).values_list("account", "amount")
        assert sorted(amounts) == [("ada", 9), ("ida", 5)]
        assert FollowedEntry.objects.using(self.using).count() == 1
        assert done["ledger.followed_balances"].events == 2
        assert all(each.standing is Standing.CAUGHT_UP for each in done.values())

    def test_one_projection_runs_alone(self) -> None:
        append([Transferred("ada", "ida", 4)], using=self.using)
        (done,) = run_projections("ledger.followed_entries", using=self.using)
        assert (done.name, done.events) == ("ledger.followed_entries", 1)
        assert not FollowedBalance.objects.using(self.using).filter(account="ida").exists()
        with pytest.raises(UnknownProjection):
            run_projections("ledger.nothing", using=self.using)

    def test_a_projection_that_stops_fails_the_test_and_tells_where(self) -> None:
        (fact,) = append([Deposited("ida", 2**70)], using=self.using)
        with pytest.raises(ProjectionStopped) as raised:
            run_projections("ledger.followed_balances", using=self.using)
        assert raised.value.name == followed_balances.name
        assert raised.value.position == fact.position
        assert "Traceback" in raised.value.__notes__[0]
        (done,) = run_projections("ledger.followed_balances", raising=False, using=self.using)
        assert done.standing is Standing.STOPPED

    def test_an_inline_projection_has_nothing_to_catch_up_with(self) -> None:
        (done,) = run_projections("ledger.balances", using=self.using)
        assert done.standing is Standing.INLINE

    def test_callbacks_that_are_captured_deliver_where_tasks_run_eagerly(self) -> None:
        with eager(), self.captureOnCommitCallbacks(using=self.using, execute=True):
            send(self.using, ParcelSent("p1", "ida"))
            assert pending_effects(using=self.using) == [Notify("p1", "fine")]
        assert pending_effects(using=self.using) == []

    def test_without_captured_callbacks_nothing_runs_by_itself(self) -> None:
        with eager():
            send(self.using, ParcelSent("p1", "ida"))
        assert pending_effects(using=self.using) == [Notify("p1", "fine")]


class EagerInTransactionTestCase:
    """Tasks run eagerly, and the append commits."""

    using: str

    def test_an_effect_is_delivered_after_the_commit_and_never_inside_it(self) -> None:
        open_then: list[bool] = []

        def look(effect: Notify, delivery: Delivery) -> None:
            open_then.append(connections[delivery.using].in_atomic_block)

        with eager(), replaced(notify, look), transaction.atomic(using=self.using):
            send(self.using, ParcelSent("p1", "ida"))
            assert open_then == []
            assert pending_effects(using=self.using) == [Notify("p1", "fine")]
        assert open_then == [False]
        assert pending_effects(using=self.using) == []

    def test_an_append_by_itself_has_delivered_when_it_returns(self) -> None:
        with eager():
            send(self.using, ParcelSent("p1", "ida", billed="fine"), ParcelSent("p2", "ida", billed="fine"))
        assert {row.state for row in Effect.objects.using(self.using)} == {"done"}

    def test_a_handler_that_fails_does_not_fail_the_append(self) -> None:
        with eager():
            send(self.using, ParcelSent("p1", "ida", told="fails 1"))
        assert pending_effects(using=self.using) == [Notify("p1", "fails 1")]
        assert [each.attempt for each in deliver_effects(using=self.using)] == [2]

    def test_what_was_rolled_back_is_not_delivered(self) -> None:
        with eager(), transaction.atomic(using=self.using):
            send(self.using, ParcelSent("p1", "ida"))
            transaction.set_rollback(True, using=self.using)
        assert not Effect.objects.using(self.using).exists()

    def test_what_is_pending_is_delivered_by_hand(self) -> None:
        send(self.using, ParcelSent("p1", "ida"))
        append([Deposited("ida", 9)], using=self.using)
        assert len(deliver_effects(using=self.using)) == 1
        assert FollowedBalance.objects.using(self.using).count() == 0
        run_projections(using=self.using)
        assert FollowedBalance.objects.using(self.using).get().amount == 9


@contextmanager
def eager() -> Iterator[None]:
    before = current_app.conf.task_always_eager
    current_app.conf.task_always_eager = True
    try:
        yield
    finally:
        current_app.conf.task_always_eager = before


@contextmanager
def replaced(handler: EffectTask[Any], function: Callable[[Any, Delivery], None]) -> Iterator[None]:
    """Let ``function`` deliver instead."""
    before = handler.function
    object.__setattr__(handler, "function", function)
    try:
        yield
    finally:
        object.__setattr__(handler, "function", before)


def causing(effect: Notify, delivery: Delivery, until: int) -> None:
    """Each delivery sends another parcel, ``until`` there are so many more."""
    number = int(effect.parcel[1:])
    if number <= until:
        append([ParcelSent(f"p{number + 1}", "ida")], using=delivery.using)


for _alias in ("default", "postgres", "mariadb"):
    if _alias in settings.DATABASES:
        for _base, _case in ((InTestCase, TestCase), (EagerInTransactionTestCase, TransactionTestCase)):
            _name = f"{_base.__name__}Of{_alias.title()}"
            globals()[_name] = type(
                _name, (_base, _case), {"using": _alias, "databases": {_alias}, "__module__": __name__}
            )


@pytest.mark.django_db
def test_the_fixtures_of_the_plugin_work_in_the_database_of_a_test(
    run_projections, deliver_effects, pending_effects
):
    append([ParcelSent("p1", "ida"), Deposited("ida", 9)])
    assert pending_effects() == [Notify("p1", "fine")]
    assert len(deliver_effects()) == 1
    run_projections()
    assert FollowedBalance.objects.get().amount == 9


def test_the_plugin_imports_no_django_and_no_celery():
    script = (
        "import factos_django.pytest_plugin, sys; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "'factos_django'" in done.stdout
    assert "'django'" not in done.stdout
    assert "'celery'" not in done.stdout


def test_the_plugin_is_there_where_pytest_knows_no_settings(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]")
    foreign = ("PYTEST_", "DJANGO_", "COV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:django"]
    collected = subprocess.run(
        [*command, "--fixtures"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert collected.returncode == 0, collected.stdout
    assert "Give ``factos_django.testing.deliver_effects``." in collected.stdout


def test_what_a_reactor_asks_for_is_tested_without_a_database():
    given(ParcelSent("p1", "ida", told="twice")).react(notifications).then(
        Notify("p1", "twice"), Notify("p1", "twice")
    )
    given(ParcelSent("p1", "ida", told="")).react(notifications).then()
    given(ParcelSent("p1", "ida", billed="fine")).react(bills).then(Bill("p1", "fine"))
    given(ParcelSent("p1", "ida", billed="fine")).react(bills).then(
        Deliver(Bill("p1", "fine"), ordering_key="ida")
    )
    with pytest.raises(AssertionError, match="but it asked for"):
        given(ParcelSent("p1", "ida", billed="fine")).react(bills).then(
            Deliver(Bill("p1", "fine"), ordering_key="eva")
        )
