"""The log: its events, their tags, and the keys under which appends were asked for."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from factos_django.core.metadata import KEY_MAX_LENGTH
from factos_django.core.naming import NAME_MAX_LENGTH
from factos_django.core.tag import TAG_MAX_LENGTH
from factos_django.models.append_only import AppendOnlyModel
from factos_django.models.fields import ExactCharField

__all__ = ["Event", "IdempotencyKey", "Tag"]


class Event(AppendOnlyModel):
    """One recorded fact. The store writes it; everybody may read it."""

    position = models.BigAutoField(_("position"), primary_key=True)
    id = models.UUIDField(_("id"), unique=True)
    type = ExactCharField(_("type"), max_length=NAME_MAX_LENGTH)
    version = models.PositiveSmallIntegerField(_("version"))
    data = models.JSONField(_("data"))
    metadata = models.JSONField(_("metadata"))
    #: What the decision behind it saw: ``{"query": ..., "position": ...}``. Null after a plain append.
    decision = models.JSONField(_("decision"), null=True)
    #: The same tags as in the rows of Tag, which are the index: a reader of events needs no join.
    tags = models.JSONField(_("tags"))
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta(AppendOnlyModel.Meta):
        verbose_name = _("event")
        verbose_name_plural = _("events")
        permissions = [
            ("append_event", _("Can append events")),
            ("view_event_data", _("Can view the data of events")),
        ]
        indexes = [models.Index(fields=["type", "position"], name="factos_event_type_position")]

    def __str__(self) -> str:
        return f"{self.position} {self.type}"


class Tag(AppendOnlyModel):
    """One tag of one event, with the event's type, so that a check by tag and type reads one index.

    The foreign key has no constraint: both tables are append-only and written by one statement, and
    a constraint would lock the event's row again for each of its tags.
    """

    event = models.ForeignKey(
        Event,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="tag_rows",
        related_query_name="tag",
        verbose_name=_("event"),
    )
    value = ExactCharField(_("value"), max_length=TAG_MAX_LENGTH)
    type = ExactCharField(_("type"), max_length=NAME_MAX_LENGTH)

    class Meta(AppendOnlyModel.Meta):
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        constraints = [
            models.UniqueConstraint(fields=["value", "type", "event"], name="factos_tag_value_type_event")
        ]
        indexes = [models.Index(fields=["value", "event"], name="factos_tag_value_event")]

    def __str__(self) -> str:
        return str(self.value)


class IdempotencyKey(AppendOnlyModel):
    """One append that was asked for under a key: a repetition returns what it recorded."""

    key = ExactCharField(_("key"), max_length=KEY_MAX_LENGTH, primary_key=True, db_column="idempotency_key")
    #: SHA-256 of what was asked for, in hexadecimal.
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    positions = models.JSONField(_("positions"))
    #: The position of the last event recorded, or of the context where there was nothing to do.
    position = models.BigIntegerField(_("position"))
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta(AppendOnlyModel.Meta):
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")

    def __str__(self) -> str:
        return str(self.key)
