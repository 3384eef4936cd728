"""What is measured: the projection in one of its modes, or a reactor with a handler that does nothing."""

import os

from factos_django import Delivery, Query, QueryItem
from factos_django.effects import reactor
from factos_django.projections import projection
from factos_django.tasks import effect_task
from tests.benchmarks.tally.domain import Counted, Tell, tally, tell

__all__ = ["handle"]

_MODE = os.environ.get("FACTOS_TEST_TALLY", "async")

if _MODE in ("inline", "async"):
    projection(
        "tally.tallies",
        model="tally.Tally",
        mode="inline" if _MODE == "inline" else "async",
        query=Query.all(),
        key=lambda recorded: recorded.event.subject,
        view=tally,
    )

if _MODE == "effects":
    reactor("tally.tell", query=Query.of(QueryItem(types=[Counted])))(tell)


@effect_task(Tell)
def handle(_effect: Tell, _delivery: Delivery) -> None:
    """Do nothing: what it takes to come here is measured."""
