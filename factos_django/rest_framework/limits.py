"""How many may be asked for at once."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from factos_django.conf import conf
from factos_django.rest_framework.refusals import Refused

__all__ = ["Limit", "LimitTooHigh", "checked_limit"]

_USUAL = 100

#: How many of them, as clients ask for it; see ``checked_limit``.
Limit = (
    Annotated[
        int,
        Meta(
            ge=1,
            description=(
                f"At most so many; {_USUAL} if it is not said. More than FACTOS_API_MAX_LIMIT (1000, unless "
                "the server says otherwise) are refused with 400, and the answer says how many may be."
            ),
        ),
    ]
    | None
)


class LimitTooHigh(Refused):
    """More was asked for at once than FACTOS_API_MAX_LIMIT; ``most`` tells what that is."""

    status_code = 400


def checked_limit(asked: int | None) -> int:
    """Return how many to give (rows): ``asked``, or as many as usual; raise LimitTooHigh."""
    most = conf.API_MAX_LIMIT
    if asked is None:
        return min(_USUAL, most)
    if asked > most:
        raise LimitTooHigh(
            f"limit is {asked}, and at most {most} are given at once: ask for pages.", most=most
        )
    return asked
