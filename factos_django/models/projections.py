"""What is known of projections: where they stand, the events they have parked, who rebuilds them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from factos_django.core.naming import NAME_MAX_LENGTH
from factos_django.core.tag import TAG_MAX_LENGTH
from factos_django.models.fields import ExactCharField, MomentField

__all__ = ["WORKER_MAX_LENGTH", "ParkedEvent", "ProjectionRun", "ProjectionState"]

#: Who works: host, process and a random part.
WORKER_MAX_LENGTH = 255


class ProjectionState(models.Model):
    """Where one projection stands. A row that a flush took away is made again by the next worker."""

    class Condition(models.TextChoices):
        """Whether it goes on."""

        RUNNING = "running", _("running")
        STOPPED = "stopped", _("stopped")

    name = ExactCharField(_("name"), max_length=NAME_MAX_LENGTH, primary_key=True)
    #: What its rows were computed by: the mode, version and query of the code. Version 0: never computed.
    mode = models.CharField(_("mode"), max_length=10)
    version = models.PositiveIntegerField(_("version"))
    query_digest = models.CharField(_("digest of the query"), max_length=64)
    condition = models.CharField(
        _("condition"), max_length=10, choices=Condition.choices, default=Condition.RUNNING
    )
    #: The checkpoint of an asynchronous projection. It never goes back, but by a rebuild.
    position = models.BigIntegerField(_("position"), default=0)
    moved_at = MomentField(_("moved at"), null=True)
    rebuilt_at = MomentField(_("rebuilt at"), null=True)

    #: Counts who has worked on it: whoever holds an older token writes nothing.
    token = models.BigIntegerField(_("token"), default=0)
    worker = models.CharField(_("worker"), max_length=WORKER_MAX_LENGTH, blank=True)
    leased_until = MomentField(_("leased until"), null=True)

    #: Why it stopped, or what it tries again after: the event, the error, and since when.
    failed_position = models.BigIntegerField(_("failed at position"), null=True)
    failed_event = models.UUIDField(_("failed at event"), null=True)
    error = models.TextField(_("error"), blank=True)
    traceback = models.TextField(_("traceback"), blank=True)
    failed_at = MomentField(_("failed at"), null=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    retry_at = MomentField(_("next attempt at"), null=True)

    class Meta:
        db_table = "factos_projection"
        default_permissions = ("view",)
        permissions = [("rebuild_projection", _("Can rebuild projections"))]
        verbose_name = _("projection")
        verbose_name_plural = _("projections")

    def __str__(self) -> str:
        return str(self.name)


class ParkedEvent(models.Model):
    """An event that a projection could not fold, and went on without."""

    projection = ExactCharField(_("projection"), max_length=NAME_MAX_LENGTH)
    position = models.BigIntegerField(_("position"))
    event = models.UUIDField(_("event"), null=True)
    error = models.TextField(_("error"))
    traceback = models.TextField(_("traceback"), blank=True)
    #: Somebody told the projection to go on without it, which otherwise stops.
    by_hand = models.BooleanField(_("by hand"), default=False)
    parked_at = MomentField(_("parked at"))

    class Meta:
        db_table = "factos_parked"
        default_permissions = ("view",)
        verbose_name = _("parked event")
        verbose_name_plural = _("parked events")
        constraints = [models.UniqueConstraint(fields=["projection", "position"], name="factos_parked_once")]

    def __str__(self) -> str:
        return f"{self.projection} {self.position}"


class ProjectionRun(models.Model):
    """Who rebuilds or checks a projection, and how far: one at a time; then what came of the last one."""

    class Outcome(models.TextChoices):
        """What came of a run. One whose process died has none, and its lease is over."""

        REBUILT = "rebuilt", _("rebuilt")
        SAME = "same", _("no difference")
        DIFFERENT = "different", _("different")
        FAILED = "failed", _("failed")
        INTERRUPTED = "interrupted", _("interrupted")

    projection = ExactCharField(_("projection"), max_length=NAME_MAX_LENGTH, primary_key=True)
    token = models.BigIntegerField(_("token"), default=0)
    worker = models.CharField(_("worker"), max_length=WORKER_MAX_LENGTH, blank=True)
    leased_until = MomentField(_("leased until"), null=True)
    checks = models.BooleanField(_("checks only"), default=False)
    started_at = MomentField(_("started at"), null=True)
    position = models.BigIntegerField(_("position"), default=0)
    head = models.BigIntegerField(_("head"), default=0)
    events = models.BigIntegerField(_("events"), default=0)
    #: The rows that a fact with this tag has changed, and no others; empty for all.
    tag = ExactCharField(_("tag"), max_length=TAG_MAX_LENGTH, blank=True)

    ended_at = MomentField(_("ended at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=11, choices=Outcome.choices, blank=True)
    #: How many rows were not as they should be.
    missing = models.BigIntegerField(_("missing rows"), default=0)
    extra = models.BigIntegerField(_("extra rows"), default=0)
    different = models.BigIntegerField(_("different rows"), default=0)
    error = models.TextField(_("error"), blank=True)

    #: Somebody wants one of a worker, which has not begun.
    asked_at = MomentField(_("asked for at"), null=True)
    asked_to_check = models.BooleanField(_("asked to check only"), default=False)

    class Meta:
        db_table = "factos_projectionrun"
        default_permissions = ()
        verbose_name = _("projection run")
        verbose_name_plural = _("projection runs")

    def __str__(self) -> str:
        return str(self.projection)
