"""docs/reference/signals.md tells each signal with the arguments that its receivers get."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from django.dispatch import Signal

from factos_django import AppendCondition, AppendConditionFailed, Delivery, Query, signals
from factos_django.effects import notices as of_effects
from factos_django.projections import notices as of_projections
from factos_django.store import append
from tests.docs.pages import text_of
from tests.ledger.domain import Closed
from tests.reference.tables import names_in, rows_of

PAGE = text_of("reference/signals")
ROWS = {names_in(row["signal"])[0]: row for row in rows_of(PAGE, "signal")}
SIGNALS = {name: each for name, each in vars(signals).items() if isinstance(each, Signal)}
ROW: Any = SimpleNamespace(name="shop.Mail", pk=1)
FAILURE: Any = SimpleNamespace(position=1, error="ValueError: no")


@pytest.fixture
def heard() -> Iterator[dict[str, set[str]]]:
    """The names of the arguments of each signal that is sent."""
    found: dict[str, set[str]] = {}
    receivers = {each: hearing(found, name) for name, each in SIGNALS.items()}
    for each, hear in receivers.items():
        each.connect(hear)
    yield found
    for each, hear in receivers.items():
        each.disconnect(hear)


def hearing(found: dict[str, set[str]], of: str) -> Callable[..., None]:
    def hear(sender: object, signal: Signal, **said: Any) -> None:
        assert sender is None
        found[of] = set(said)

    return hear


def send_all() -> None:
    """Let each of them be sent, by what sends it."""
    append([Closed("a")])
    with suppress(AppendConditionFailed):
        append([Closed("a")], condition=AppendCondition(Query.all()))
    of_projections.tell_stopped("shop.sales", FAILURE, "default")
    of_projections.tell_rebuilt("shop.sales", 3, "default")
    delivery, error = Delivery(key="k"), ValueError("no")
    of_effects.tell_delivered("effect", delivery)
    of_effects.tell_failed(ROW, "effect", delivery, error, 2.0)
    of_effects.tell_dead(ROW, "effect", delivery, error)


def test_each_signal_has_a_row_and_each_row_is_of_a_signal() -> None:
    assert sorted(ROWS) == sorted(SIGNALS)


@pytest.mark.django_db(transaction=True)
def test_receivers_get_the_arguments_of_the_page(heard: dict[str, set[str]]) -> None:
    send_all()
    assert heard == {name: set(names_in(row["arguments"])) for name, row in ROWS.items()}


@pytest.mark.django_db(transaction=True)
def test_the_receivers_of_the_page_tell_what_happened(caplog: pytest.LogCaptureFixture) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    receivers: dict[str, Any] = {}
    exec(code, receivers)
    with caplog.at_level(logging.ERROR, "shop.on_call"):
        send_all()
    for signal in (signals.projection_stopped, signals.effect_dead):
        for each in ("tell_of_a_projection", "tell_of_an_effect"):
            signal.disconnect(receivers[each])
    told = [each.getMessage() for each in caplog.records if each.name == "shop.on_call"]
    assert told == [
        "shop.sales stopped on default: ValueError: no",
        "nobody will deliver 'effect', after 1 attempts",
    ]


def test_the_page_tells_what_a_delivery_holds() -> None:
    (said,) = re.findall(r"`delivery` is a `Delivery`: its (.*?)\.\n", PAGE)
    assert names_in(said) == list(Delivery.__dataclass_fields__)
