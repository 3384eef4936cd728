"""The tables of a projection, for links to their own admins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

__all__ = ["Table", "shown_tables"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        label: Its model.
        address: The list of its rows in this admin; empty where there is none, or not for this user.
    """

    label: str
    address: str


def shown_tables(models: Sequence[type[Model]], site: AdminSite, request: HttpRequest) -> list[Table]:
    """Return the tables of ``models``."""
    return [Table(model._meta.label, _address(model, site, request)) for model in models]


def _address(model: Any, site: AdminSite, request: HttpRequest) -> str:
    if not (site.is_registered(model) and site._registry[model].has_view_or_change_permission(request)):
        return ""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    try:
        return reverse(name, current_app=site.name)
    except NoReverseMatch:  # an admin with addresses of its own
        return ""
