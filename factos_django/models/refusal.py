"""The receiver that refuses to save append-only rows by the ways that pass every override.

``loaddata`` calls ``Model.save_base`` directly; only this signal, or a trigger, stops it.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connections, models
from django.db.models.signals import pre_save

from factos_django.models.append_only import refuse_making
from factos_django.sql.append_only import APPEND_ONLY_TABLES

__all__ = ["connect_refusal"]


def connect_refusal() -> None:
    """Refuse saves of events, tags and keys from now on."""
    pre_save.connect(_refuse, dispatch_uid="factos.refuse")  # of proxies and of migrations' models too


def _refuse(sender: type[models.Model], instance: models.Model, raw: bool, using: str, **_: Any) -> None:
    if sender._meta.db_table in APPEND_ONLY_TABLES and not (raw and _is_in_snapshot(instance, using)):
        refuse_making(sender, "loaddata" if raw else "save_base()")


def _is_in_snapshot(instance: models.Model, using: str) -> bool:
    """Tell whether a test case puts back a row that its database was made with (serialized_rollback)."""
    snapshot: str | None = getattr(connections[using], "_test_serialized_contents", None)
    if not snapshot:
        return False
    pk = json.dumps(instance.pk, ensure_ascii=False)
    return f'"model": "{instance._meta.label_lower}", "pk": {pk}, "fields"' in snapshot
