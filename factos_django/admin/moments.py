"""Moments as the pages of the admin show them, and as its forms ask for them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html

__all__ = ["as_input", "moment_in", "shown_moment", "shown_zone"]


def shown_zone() -> tzinfo:
    """Return the current time zone. In a project without time zones moments are told in UTC."""
    return timezone.get_current_timezone() if settings.USE_TZ else UTC


def shown_moment(moment: datetime) -> str:
    """Return an aware moment as HTML, to the second, in the zone that is shown."""
    words = moment.astimezone(shown_zone()).strftime("%Y-%m-%d %H:%M:%S")
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), words)


def moment_in(text: str) -> datetime | None:
    """Return the moment that ``text`` says, in UTC, of the shown zone if it names none; None for no moment.

    Every database knows its years in every zone.
    """
    try:
        given = datetime.fromisoformat(text)
        moment = (given if given.tzinfo else given.replace(tzinfo=shown_zone())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1970 <= moment.year <= 8999 else None


def as_input(text: str) -> str:
    """Return the moment that ``text`` says as ``datetime-local`` inputs take it; other text as it is."""
    moment = moment_in(text)
    if moment is None:
        return text
    local = moment.astimezone(shown_zone()).replace(tzinfo=None)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
