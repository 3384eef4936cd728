"""Every page of the admin, by addresses below /admin/factos/: a new page is one line more.

What stands in braces is a place of the long log, and the rest an address as the admin makes it.
"""

from __future__ import annotations

from dataclasses import asdict

from django.contrib.admin.utils import quote
from django.utils.http import urlencode

from tests.admin.long_log import LongLog

__all__ = ["LISTS", "PAGES", "addresses"]

_EVEN, _ODD, _OLD = (urlencode({"tag": each}) for each in ("half:even", "half:odd", "order:old"))

#: Lists of facts: there the aim is lower.
LISTS: dict[str, str] = {
    "events, first page": "event/",
    "events, middle page": "event/?before={middle}",
    "events, last page": "event/?after=0",
    "events, a tag of half of all": f"event/?{_EVEN}",
    "events, a tag of half of all, middle page": f"event/?{_EVEN}&before={{middle}}",
    "events, a tag of half of all, last page": f"event/?{_EVEN}&after=0",
    "events, a tag of one old fact": f"event/?{_OLD}",
    "events, a tag of one old fact and one of half of all": f"event/?{_OLD}&{_EVEN}",
    "events, the same two the other way round": f"event/?{_EVEN}&{_OLD}",
    "events, a tag of nothing": "event/?tag=never",
    "events, a tag of nothing and one of half of all": f"event/?tag=never&{_EVEN}",
    "events, two broad tags that never meet": f"event/?{_EVEN}&{_ODD}",
    "events, two broad tags that never meet, last page": f"event/?{_EVEN}&{_ODD}&after=0",
    "events, a rare type": "event/?type=rare.Noted",
    "events, a broad tag and a rare type that never meet": f"event/?{_ODD}&type=rare.Noted",
    "events, a type of nothing": "event/?type=never",
    "events, a correlation": "event/?correlation_id={correlation}",
    "events, a correlation and a broad tag": f"event/?correlation_id={{correlation}}&{_EVEN}",
    "events, a correlation of nothing": "event/?correlation_id=never",
    "events, an hour": "event/?recorded_after={since}&recorded_before={until}",
    "events, an hour of a broad tag": f"event/?recorded_after={{since}}&recorded_before={{until}}&{_EVEN}",
    "events, an hour of a tag of one old fact": f"event/?recorded_after={{since}}&{_OLD}",
    "events, searched by words": "event/?q=tag:order:old+type:rare.Noted",
}

PAGES: dict[str, str] = {
    **LISTS,
    "event, an old one": "event/{old}/change/",
    "event, with a decision": "event/{decided}/change/",
    "event, with effects": "event/{last}/change/",
    "dashboard": "event/dashboard/",
    "explorer, empty": "event/explorer/",
    "explorer, everything": "event/explorer/?everything=1",
    "explorer, a broad and a rare tag": "event/explorer/?tags-1=half:even&tags-1=order:old",
    "explorer, two broad tags that never meet": "event/explorer/?tags-1=half:even&tags-1=half:odd",
    "explorer, a rare type or a rare tag": "event/explorer/?types-1=rare.Noted&tags-2=order:old",
    "tags": "tag/",
    "tags that begin with": "tag/?q=context:1",
    "tags, completion": "tag/complete/?prefix=context:1",
    "tag of half of all, first page": "tag/{even}/change/",
    "tag of half of all, middle page": "tag/{even}/change/?after={middle}",
    "tag of half of all, last page": "tag/{even}/change/?before=0",
    "tag of ten facts": "tag/{context}/change/",
    "projections": "projectionstate/",
    "projection": "projectionstate/{projection}/change/",
    "effects": "effect/",
    "effects, middle page": "effect/?before={middle_effect}",
    "effects, last page": "effect/?after=0",
    "effects, the dead": "effect/?state=dead",
    "effects, the running, of which there are none": "effect/?state=running",
    "effects, a reactor and a state": "effect/?reactor=bench.tell&state=dead",
    "effects, a reactor of nothing": "effect/?reactor=never",
    "effects, an ordering key": "effect/?ordering_key=key-1",
    "effects, searched by a position": "effect/?q=%23{last}",
    "effect, a dead one": "effect/{effect}/change/",
    "effect, retry": "effect/{effect}/retry/",
    "effect, drop": "effect/{effect}/drop/",
    "index of the app": "",
}


def addresses(log: LongLog, *, decided: int, projection: str) -> dict[str, str]:
    """Return the names of all pages, and their addresses over ``log``."""
    times = {name: getattr(log, name).strftime("%Y-%m-%dT%H:%M:%S") for name in ("since", "until")}
    places = (
        asdict(log)
        | times
        | {
            "correlation": "c7",
            "context": quote("context:7"),
            "even": quote("half:even"),
            "decided": decided,
            "projection": quote(projection),
        }
    )
    return {name: f"/admin/factos/{address.format(**places)}" for name, address in PAGES.items()}
