"""What appends lock. Nothing of the log depends on these rows, and a flush may take them away."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["Gate", "LogGuard"]


class LogGuard(models.Model):
    """The guard row of the log: the append that misses it makes it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    #: How often SQLite took the write lock through this row; nothing reads it.
    holds = models.BigIntegerField(_("holds"), default=0)

    class Meta:
        db_table = "factos_guard"
        default_permissions = ()
        verbose_name = _("log guard")
        verbose_name_plural = _("log guards")

    def __str__(self) -> str:
        return f"guard {self.pk}"


class Gate(models.Model):
    """An empty table whose table lock lets appends by tags pass together, and others alone."""

    class Meta:
        db_table = "factos_gate"
        default_permissions = ()
        verbose_name = _("gate")
        verbose_name_plural = _("gates")

    def __str__(self) -> str:
        return "gate"
