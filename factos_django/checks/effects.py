"""What is judged about reactors, effects and the broker."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import CheckMessage, Warning
from django.db.backends.base.base import BaseDatabaseWrapper

from factos_django.core.effect import EFFECT_TYPES
from factos_django.models import Effect
from factos_django.projections.absence import absent_tables
from factos_django.registry import HANDLERS, REACTORS
from factos_django.tasks.broker import accepts_pickle, current, publishes_unconfirmed
from factos_django.tasks.effect_task import EffectTask

__all__ = ["judged_broker", "judged_handlers", "judged_outbox"]

#: Rows of unknown effects that are looked at for their names.
_LOOKED_AT = 10_000


def judged_handlers() -> Iterator[CheckMessage]:
    """Judge whether each effect that a reactor may ask for has a handler, and the leases of handlers."""
    for kind in EFFECT_TYPES if len(REACTORS) else ():
        if HANDLERS.named(kind.name) is None:
            yield Warning(
                f"Effect type {kind.name} has no handler: nothing delivers what a reactor asks for.",
                hint="Decorate one with @effect_task and import its module in <app>/factos.py.",
                id="factos.W012",
            )
    for handler in HANDLERS:
        if isinstance(handler, EffectTask):
            yield from _lease(handler)


def _lease(handler: EffectTask[object]) -> Iterator[CheckMessage]:
    limit, lease = handler.time_limit, handler.policy.lease
    if limit is not None and limit >= lease:
        yield Warning(
            f"Handler {handler.name} may run for {limit:g} s, and its lease ends after {lease:g} s: "
            "then another worker begins while it is at work.",
            hint="Give @effect_task a time_limit below lease_seconds (or FACTOS_EFFECT_LEASE_SECONDS).",
            id="factos.W014",
        )


def judged_broker() -> Iterator[CheckMessage]:
    """Judge how Celery is set, if it is to deliver effects."""
    app = current()
    if not len(HANDLERS):
        return
    if accepts_pickle(app):
        yield Warning(
            "Celery accepts pickle, so whoever can send it a message can have its workers run anything.",
            hint='Set CELERY_ACCEPT_CONTENT to ["json"]: messages about effects hold an id alone.',
            id="factos.W015",
        )
    if publishes_unconfirmed(app):
        yield Warning(
            "RabbitMQ is not asked whether it has a message, so one that it drops is missed late.",
            hint='Set "confirm_publish": True in CELERY_BROKER_TRANSPORT_OPTIONS. (No effect is lost without '
            "it: one that nobody has begun to deliver is published again after its lease.)",
            id="factos.W016",
        )


def judged_outbox(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """Judge whether somebody delivers what is in the outbox of a database."""
    if absent_tables([Effect], connection.alias):
        return  # its migration comes later
    unfinished = Effect.objects.using(connection.alias).filter(publish_at__isnull=False)
    unknown = unfinished.exclude(name__in=[each.name for each in HANDLERS]).values_list("name", flat=True)
    if names := sorted(set(unknown[:_LOOKED_AT])):
        yield Warning(
            f"The outbox of {connection.alias!r} holds {', '.join(names)}, which no handler delivers.",
            hint="Register one under the same name, or see: manage.py factos_effects list --name NAME",
            id="factos.W013",
        )
