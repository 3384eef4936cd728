"""The receiver that refuses to save append-only rows by the ways that pass every override.

``loaddata`` calls ``Model.save_base`` directly; only this signal, or a trigger, stops it.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connections
from django.db.models.signals import pre_save

from factos_django.models.append_only import AppendOnlyModel, refuse_making
from factos_django.models.log import Event, IdempotencyKey, Tag

__all__ = ["connect_refusal"]


def connect_refusal() -> None:
    """Refuse saves of events, tags and keys from now on."""
    for model in (Event, Tag, IdempotencyKey):
        pre_save.connect(_refuse, sender=model, dispatch_uid=f"factos.refuse.{model.__name__}")


def _refuse(
    sender: type[AppendOnlyModel], instance: AppendOnlyModel, raw: bool, using: str, **_: Any
) -> None:
    if not (raw and _is_in_snapshot(instance, using)):
        refuse_making(sender, "loaddata" if raw else "save_base()")


def _is_in_snapshot(instance: AppendOnlyModel, using: str) -> bool:
    """Tell whether a test case puts back a row that its database was made with (serialized_rollback)."""
    snapshot: str | None = getattr(connections[using], "_test_serialized_contents", None)
    if not snapshot:
        return False
    return f'"model": "{instance._meta.label_lower}", "pk": {json.dumps(instance.pk)}' in snapshot
