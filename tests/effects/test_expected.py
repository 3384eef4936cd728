"""What the checker expects of a log is what handlers are told: the same effects, under the same keys."""

from __future__ import annotations

from factos_django.effects.delivering import deliver
from factos_django.models import Effect
from factos_django.registry import HANDLERS
from factos_django.store import append
from tests.effects.effect_run.expected import expected_of, facts_in, rows_in
from tests.parcels.domain import ParcelSent
from tests.stores import on_databases

SENT = [
    ParcelSent("p1", "renata", told="twice", billed="fine"),
    ParcelSent("p2", "ada", told="", billed="fine"),
    ParcelSent("p3", "renata"),
]


@on_databases()
def test_keys_are_computed_from_the_facts_as_handlers_are_told_them(store):
    append(SENT, using=store.using)
    expected = expected_of(facts_in(store.using))
    assert [each.name.removeprefix("parcels.") for each in expected if each.parcel == "p1"] == [
        "Bill", "Notify", "Notify",
    ]  # fmt: skip
    told = {
        deliver(row.pk, HANDLERS.named(row.name), store.using).delivery.key
        for row in Effect.objects.using(store.using).order_by("position", "pk")
    }
    assert len(told) == len(expected) == 5
    assert told == {each.key for each in expected} == {row.key for row in rows_in(store.using)}
