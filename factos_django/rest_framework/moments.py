"""Moments in addresses and answers: ISO 8601 with an offset. Without one nobody knows which is meant."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

from factos_django.rest_framework.refusals import InvalidParameter

__all__ = ["MomentText", "moment_of", "moment_text"]

_DAY = r"((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|[12]\d))"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"
_OFFSET = r"(Z|[+-](0\d|1[0-5]):[0-5]\d)"
#: Every database knows these years in every zone.
_PATTERN = rf"^(19[7-9]\d|[2-8]\d{{3}})-{_DAY}T{_CLOCK}{_OFFSET}$"

#: A moment as clients write it; ``moment_of`` reads it.
MomentText = Annotated[str, Meta(extra_json_schema={"pattern": _PATTERN})]


def moment_of(text: str | None, name: str) -> datetime | None:
    """Return the moment that parameter ``name`` says, in UTC; raise InvalidParameter."""
    if text is None:
        return None
    try:
        if re.fullmatch(_PATTERN, text, re.ASCII):
            return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:  # there is no such day
        pass
    raise InvalidParameter(
        f"{name} is no moment from 1970 to 8999 with its offset, such as 2026-11-24T16:00:00Z or "
        "2026-11-24T16:00:00%2B01:00 (in an address + means a space)."
    )


def moment_text(moment: datetime) -> str:
    """Return an aware moment in UTC, to the microsecond; one without a time zone as it is."""
    known = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return known.isoformat(timespec="microseconds")
