"""The outbox: what reactors asked for, and what became of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from factos_django.core.metadata import KEY_MAX_LENGTH
from factos_django.core.naming import NAME_MAX_LENGTH
from factos_django.models.fields import ExactCharField, MomentField
from factos_django.models.projections import WORKER_MAX_LENGTH

__all__ = ["EFFECT_MOMENTS", "Effect", "EffectAction"]


class Effect(models.Model):
    """One effect of one fact: written with the fact, and delivered after it."""

    class State(models.TextChoices):
        """What became of it so far."""

        PENDING = "pending", _("pending")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        DEAD = "dead", _("dead")
        DROPPED = "dropped", _("dropped")

    #: What tells it from all others: the fact, who asked, for what, and which of these.
    event_id = models.UUIDField(_("event"))
    reactor = ExactCharField(_("reactor"), max_length=NAME_MAX_LENGTH)
    name = ExactCharField(_("effect"), max_length=NAME_MAX_LENGTH)
    key = ExactCharField(_("key"), max_length=KEY_MAX_LENGTH)

    position = models.BigIntegerField(_("position"))
    version = models.PositiveSmallIntegerField(_("version"))
    #: JSON text, as that of a fact.
    data = models.TextField(_("data"))
    created_at = MomentField(_("created at"))

    #: Those with the same one are delivered in the order of positions. ``holds`` tells that later ones wait
    #: for this.
    ordering_key = ExactCharField(
        _("ordering key"), max_length=KEY_MAX_LENGTH, null=True, blank=True
    )  # most have none, and an index is to tell them apart
    holds = models.BooleanField(_("holds others back"), default=False)

    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    #: No attempt begins before. (Of one that is finished: without meaning.)
    available_at = MomentField(_("available at"))
    #: When a relay publishes it, or looks again whether anybody has it. Null once it is finished.
    publish_at = MomentField(_("to be published at"), null=True, blank=True)
    published_at = MomentField(_("published at"), null=True, blank=True)
    publications = models.PositiveIntegerField(_("publications"), default=0)

    #: Counted before each attempt begins.
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    #: Whoever holds an older token records nothing.
    token = models.BigIntegerField(_("token"), default=0)
    worker = models.CharField(_("worker"), max_length=WORKER_MAX_LENGTH, blank=True)
    leased_until = MomentField(_("leased until"), null=True, blank=True)

    #: Of the last attempt that failed.
    error = models.TextField(_("error"), blank=True)
    traceback = models.TextField(_("traceback"), blank=True)
    failed_at = MomentField(_("failed at"), null=True, blank=True)
    #: When it was done, died or was dropped.
    finished_at = MomentField(_("finished at"), null=True, blank=True)

    class Meta:
        db_table = "factos_effect"
        default_permissions = ("view",)
        permissions = [
            ("retry_effect", _("Can have effects tried again")),
            ("drop_effect", _("Can give effects up")),
        ]
        verbose_name = _("effect")
        verbose_name_plural = _("effects")
        constraints = [
            models.UniqueConstraint(fields=["event_id", "reactor", "name", "key"], name="factos_effect_once")
        ]
        indexes = [
            models.Index(fields=["publish_at"], name="factos_effect_due"),
            models.Index(fields=["ordering_key", "holds", "position", "id"], name="factos_effect_order"),
            models.Index(fields=["state", "finished_at"], name="factos_effect_state"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.pk}"


#: The fields of an effect that are moments, in their order.
EFFECT_MOMENTS = tuple(each.name for each in Effect._meta.fields if isinstance(each, MomentField))


class EffectAction(models.Model):
    """What somebody did to an effect by hand."""

    class Action(models.TextChoices):
        """What was done."""

        RETRY = "retry", _("retry")
        DROP = "drop", _("drop")

    effect = models.ForeignKey(Effect, models.CASCADE, related_name="actions", verbose_name=_("effect"))
    action = models.CharField(_("action"), max_length=10, choices=Action.choices)
    #: The state that it was in before, and how often it had been tried.
    state = models.CharField(_("state before"), max_length=10, choices=Effect.State.choices)
    attempts = models.PositiveIntegerField(_("attempts before"))
    reason = models.TextField(_("reason"), blank=True)
    #: Who did it: as an ``actor`` in metadata is named.
    actor = models.CharField(_("actor"), max_length=KEY_MAX_LENGTH, blank=True)
    acted_at = MomentField(_("acted at"))

    class Meta:
        db_table = "factos_effectaction"
        default_permissions = ("view",)
        verbose_name = _("action on an effect")
        verbose_name_plural = _("actions on effects")

    def __str__(self) -> str:
        return f"{self.action} {self.effect_id}"
