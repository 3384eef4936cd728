"""Models whose rows a projection writes, and nobody else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from factos_django.core.errors import ProjectionWriteRefused

__all__ = ["ProjectionManager", "ProjectionModel", "ProjectionQuerySet"]

M = TypeVar("M", bound=models.Model)


def _refuse(model: type[models.Model], operation: str) -> NoReturn:
    raise ProjectionWriteRefused(model=model._meta.label, operation=operation)


class ProjectionQuerySet(models.QuerySet[M]):
    """A QuerySet that reads. Its async methods and its managers call these, so they are refused too."""

    def create(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse(self.model, "create()")

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse(self.model, "bulk_create()")

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse(self.model, "update()")

    def bulk_update(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse(self.model, "bulk_update()")

    def delete(self) -> NoReturn:
        """Refuse."""
        _refuse(self.model, "delete()")

    def _raw_delete(self, using: str | None) -> NoReturn:
        _refuse(self.model, "delete()")


class ProjectionManager(models.Manager.from_queryset(ProjectionQuerySet)):  # type: ignore[misc]
    """The manager of projection models, theirs and that of relations to them."""

    use_in_migrations = False


class ProjectionModel(models.Model):
    """A row that a projection keeps.

    Whatever else changes the table, ``rebuild_projections --check`` finds and ``rebuild_projections``
    puts right.
    """

    #: Of the last fact that was folded into this row.
    factos_position = models.BigIntegerField(_("position of its last fact"), editable=False)

    objects = ProjectionManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        default_permissions = ("view",)

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse(type(self), "save()")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse(type(self), "delete()")
