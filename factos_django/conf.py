"""The settings of the app: FACTOS_<NAME> in the project's settings, read when they are used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from django.conf import Settings, UserSettingsHolder
from django.conf import settings as django_settings

from factos_django.core.errors import InvalidSetting

__all__ = ["PREFIX", "Defaults", "conf", "lock_timeout_milliseconds", "refusal"]

PREFIX = "FACTOS_"


class Defaults:
    """Each setting with its default. The attribute's type is the setting's type."""

    #: ``auto``, ``log`` or ``tags``, or a mapping of database aliases to these.
    GUARD: str | Mapping[str, str] = "auto"
    #: How often dispatch and append run a transaction that the database broke off (times).
    DISPATCH_ATTEMPTS: int = 5
    #: How long one append waits for one lock (seconds).
    LOCK_TIMEOUT_SECONDS: float = 5
    #: The JSON of one event, or of its metadata (bytes).
    MAX_EVENT_BYTES: int = 262_144
    #: The events of one append (events).
    MAX_BATCH: int = 10_000
    #: The tags of one event (tags).
    MAX_TAGS: int = 64
    #: The items of one query (items).
    MAX_QUERY_ITEMS: int = 100
    #: How many events a reader fetches, and a follower applies, at a time (rows).
    FOLLOW_BATCH: int = 1_000
    #: After how long a silent follower, or a silent rebuild, may be replaced (seconds).
    FOLLOW_LEASE_SECONDS: float = 60
    #: After how long a follower looks for facts that nobody woke it for (seconds).
    POLL_SECONDS: float = 1
    #: From when on status and health speak of an open append that holds the head back (seconds).
    MAX_HELD_SECONDS: float = 30
    #: The rows that a rebuild keeps in memory (bytes, estimated); more are kept in the database.
    REBUILD_MEMORY_BYTES: int = 134_217_728
    #: How long an attempt to deliver an effect may take, before another worker may begin one (seconds).
    EFFECT_LEASE_SECONDS: float = 300
    #: For how long effects that were delivered, or dropped, are kept (days).
    EFFECT_RETENTION_DAYS: float = 30
    #: Whether a commit sends Celery messages, where a broker is configured: of facts to whoever follows, and
    #: of effects to their workers.
    CELERY_NUDGE: bool = True
    #: Which event types may be read and appended without a class: True for all, or a collection of names.
    API_UNREGISTERED_TYPES: bool | Collection[str] = False
    #: The path of the class that says who may do what over HTTP: a subclass of ApiPermissions.
    API_PERMISSIONS: str = "factos_django.rest_framework.permissions.ApiPermissions"
    #: The longest page that the API gives (rows).
    API_MAX_LIMIT: int = 1_000
    #: How long one answer of the feed goes on, before the client asks again, and the longest wait of a list
    #: for facts (seconds).
    FEED_SECONDS: float = 25
    #: How many clients one process feeds, or lets wait, at a time (clients).
    FEED_MAX_CLIENTS: int = 50


class _Conf:
    """The settings in force: every attribute is looked up in the project's settings first."""

    def __init__(self) -> None:
        # Plain values that were found good, so that the same one is not judged again at each use.
        self._judged: dict[str, object] = {}
        # The names that were not set, each with the object that held the settings then.
        self._absent: dict[str, object] = {}

    def __getattr__(self, name: str) -> Any:
        value = self._given(PREFIX + name, getattr(Defaults, name))
        if name not in self._judged or self._judged[name] is not value:
            if reason := refusal(name, value):
                raise InvalidSetting(name=PREFIX + name, value=value, reason=reason)
            if isinstance(value, (str, int, float)):  # a mapping can change
                self._judged[name] = value
        return value

    def _given(self, setting: str, default: object) -> object:
        """Return what the project has set, or ``default``.

        To find out that it has not takes Django some microseconds, and an append asks for ten settings. So
        that is remembered until another object holds the settings (override_settings) or it is set there.
        """
        holder = getattr(django_settings, "_wrapped", None)
        if holder is not None and self._absent.get(setting) is holder and setting not in vars(holder):
            return default
        value = getattr(django_settings, setting, _ABSENT)
        if value is not _ABSENT:
            return value
        if type(holder) in _PLAIN_HOLDERS:  # one of somebody else's may find its values anywhere
            self._absent[setting] = holder
        return default


_ABSENT = object()
_PLAIN_HOLDERS = (Settings, UserSettingsHolder)

conf = cast(Defaults, _Conf())


def lock_timeout_milliseconds() -> int:
    """Return FACTOS_LOCK_TIMEOUT_SECONDS in milliseconds, 1 or more: 0 would mean for ever."""
    return max(1, int(conf.LOCK_TIMEOUT_SECONDS * 1000))


def refusal(name: str, value: object) -> str:
    """Return why ``value`` cannot be setting ``name`` (without prefix), or an empty string."""
    if name == "GUARD":
        return _guard_refusal(value)
    if name == "API_PERMISSIONS":
        return "" if isinstance(value, str) else "give the path of a class (package.module.Class)"
    if name == "CELERY_NUDGE":
        return "" if isinstance(value, bool) else "give True or False"
    if name == "API_UNREGISTERED_TYPES":
        fine = isinstance(value, bool) or (isinstance(value, Collection) and not isinstance(value, str))
        return "" if fine else "give True, False or a list of event type names"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        return "give a number above 0"
    if name.endswith("_SECONDS"):
        return "" if value <= _LONGEST_WAIT else f"give {_LONGEST_WAIT} or less"
    return "" if isinstance(value, int) or name.endswith("_DAYS") else "give a whole number"


#: Seconds. PostgreSQL counts its lock timeout in milliseconds, in 31 bits.
_LONGEST_WAIT = 2_000_000


def _guard_refusal(value: object) -> str:
    chosen = value.values() if isinstance(value, Mapping) else [value]
    return "" if all(each in ("auto", "log", "tags") for each in chosen) else "give auto, log or tags"
