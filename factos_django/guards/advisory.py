"""The call that takes gate, keys and tags on PostgreSQL, in one round trip."""

from __future__ import annotations

from django.db import connections

from factos_django.conf import conf
from factos_django.guards.claim import Claim

__all__ = ["hold_advisory"]

_HOLD = "SELECT factos_hold_1(%s, %s::text[], %s::text[], %s::text[], %s)"


def hold_advisory(claim: Claim, using: str) -> None:
    """Wait for what ``claim`` asks for: the gate, then the keys, then the tags, each sorted.

    A claim of the whole log takes the gate exclusively and needs nothing else.
    """
    wait = f"{max(1, int(conf.LOCK_TIMEOUT_SECONDS * 1000))}ms"
    wanted = Claim(whole_log=True) if claim.whole_log else claim
    with connections[using].cursor() as cursor:
        locks = [list(wanted.keys), list(wanted.guards), list(wanted.shares)]
        cursor.execute(_HOLD, [wanted.whole_log, *locks, wait])
