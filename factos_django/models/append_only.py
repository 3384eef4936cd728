"""Models whose rows the store alone makes, and nobody changes or deletes.

Triggers in the database say the same to raw SQL; what is here says it earlier and tells what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from django.db import models

from factos_django.core.errors import AppendOnlyViolation

__all__ = ["AppendOnlyManager", "AppendOnlyModel", "AppendOnlyQuerySet", "refuse_making"]

M = TypeVar("M", bound=models.Model)

_MAKE = "Facts are made by factos_django.store.append or factos_django.dispatch.dispatch."
_KEEP = "What happened stays: append a fact that corrects it."


def refuse_making(model: type[models.Model], operation: str) -> NoReturn:
    """Raise AppendOnlyViolation for making a row around the store."""
    raise AppendOnlyViolation(model=model.__name__, operation=operation, advice=_MAKE)


def _refuse_change(model: type[models.Model], operation: str) -> NoReturn:
    raise AppendOnlyViolation(model=model.__name__, operation=operation, advice=_KEEP)


class AppendOnlyQuerySet(models.QuerySet[M]):
    """A QuerySet that reads. Its async methods and its managers call these, so they are refused too."""

    def create(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        refuse_making(self.model, "create()")

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        refuse_making(self.model, "bulk_create()")

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse_change(self.model, "update()")

    def bulk_update(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse_change(self.model, "bulk_update()")

    def delete(self) -> NoReturn:
        """Refuse."""
        _refuse_change(self.model, "delete()")

    def _raw_delete(self, using: str | None) -> NoReturn:
        _refuse_change(self.model, "delete()")


class AppendOnlyManager(models.Manager.from_queryset(AppendOnlyQuerySet)):  # type: ignore[misc]
    """The manager of append-only models, theirs and that of relations to them."""

    use_in_migrations = True


class AppendOnlyModel(models.Model):
    """A row that can be read."""

    objects = AppendOnlyManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        default_permissions = ("view",)

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        if self._state.adding:
            refuse_making(type(self), "save()")
        _refuse_change(type(self), "save()")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse_change(type(self), "delete()")

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, *_: Any, **__: Any) -> list[Any]:
        # A test case that puts a row back (serialized_rollback) comes here, and may find it in its place.
        return [()] if base_qs.filter(pk=pk_val).exists() else []

    def _prepare_related_fields_for_save(self, operation_name: str, fields: Any = None) -> NoReturn:
        # Even a bare QuerySet(Event).bulk_create() goes through this method of each object.
        if operation_name == "bulk_update":
            _refuse_change(type(self), "bulk_update()")
        refuse_making(type(self), f"{operation_name}()")
