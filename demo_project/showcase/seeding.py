"""Recording a made-up history, once: each fact has an id of its own, and nothing else may have happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from demo_project.banking.domain import every_account
from demo_project.billing.domain import every_invoice
from demo_project.registration.domain import every_registration
from demo_project.showcase.past import Decision
from demo_project.ticketing.domain import every_sale
from factos_django import AppendCondition, AppendConditionFailed, Proposed, Query
from factos_django.models import Event
from factos_django.store import append

__all__ = ["NotEmpty", "every_fact", "first_facts", "record"]

#: So many facts are recorded in one transaction, or a few more: a decision is not split.
BATCH = 500


class NotEmpty(Exception):
    """The log holds other facts of the demo, which the history knows nothing of."""


def every_fact() -> Query:
    """Return the facts of all contexts."""
    contexts = (every_sale(), every_registration(), every_account(), every_invoice())
    return Query.of(*(item for query in contexts for item in query.items))


def first_facts(decisions: Iterable[Decision], number: int) -> Iterator[list[Proposed[Any]]]:
    """Yield the facts of the first decisions in batches: ``number`` of them, or a few more."""
    batch: list[Proposed[Any]] = []
    for decision in decisions:
        batch += decision.facts
        if len(batch) >= min(BATCH, number):
            yield batch
            number -= len(batch)
            batch = []
        if number <= 0:
            return


def record(batches: Iterable[list[Proposed[Any]]], using: str) -> Iterator[tuple[int, int]]:
    """Record ``batches`` one after another, and yield of each how many facts it has, and how many are new.

    What was recorded before is not recorded again. The history was decided as if it were alone, so it is
    refused, by NotEmpty, where another fact of these contexts came before it or in between.
    """
    after = None
    for batch in batches:
        known = _known(batch, using)
        new = [fact for fact in batch if fact.id not in known]
        after = max(known.values(), default=after)
        if new:
            after = _append(new, after, using)
        yield len(batch), len(new)


def _known(batch: list[Proposed[Any]], using: str) -> dict[Any, int]:
    ids = [fact.id for fact in batch]
    return dict(Event.objects.using(using).filter(id__in=ids).values_list("id", "position"))


def _append(facts: list[Proposed[Any]], after: int | None, using: str) -> int:
    condition = AppendCondition(every_fact(), after=after)
    try:
        return append(facts, condition=condition, using=using)[-1].position
    except AppendConditionFailed as error:
        raise NotEmpty(f"the log holds other facts of the demo, at {error.positions[0]} and above") from error
