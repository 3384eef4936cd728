"""The projection, in the mode that is measured."""

import os

from factos_django import Query
from factos_django.projections import projection
from tests.benchmarks.tally.domain import tally

__all__ = ["tallies"]

tallies = projection(
    "tally.tallies",
    model="tally.Tally",
    mode="inline" if os.environ.get("FACTOS_TEST_TALLY") == "inline" else "async",
    query=Query.all(),
    key=lambda recorded: recorded.event.subject,
    view=tally,
)
