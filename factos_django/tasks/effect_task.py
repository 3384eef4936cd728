"""``@effect_task``: the handler of an effect type, and the Celery task that calls it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from celery import shared_task

from factos_django.core.delivery import Backoff, Delivery, is_wait
from factos_django.core.effect import EFFECT_TYPES, EffectType
from factos_django.core.errors import RegistrationError
from factos_django.effects.handlers import Handler, Policy
from factos_django.registry import HANDLERS
from factos_django.tasks.broker import current
from factos_django.tasks.messages import TASK_PREFIX, delivered_by_message

__all__ = ["EffectTask", "effect_task"]

E = TypeVar("E")


@dataclass(frozen=True, eq=False)
class EffectTask(Handler[E]):
    """A handler with its Celery task.

    Attributes:
        task: The shared task ``factos.effect.<name>``. It is called with the id of a row alone. To call it by
            hand delivers that effect if it is due, and nothing else.
        queue: Where its messages go; None: where the project's task_routes say.
    """

    task: Any
    queue: str | None = None

    @property
    def time_limit(self) -> float | None:
        """After how long Celery ends an attempt (seconds), by force if it is told to; None for never."""
        settings = current().conf
        hard = self.task.time_limit or settings.task_time_limit
        return hard or self.task.soft_time_limit or settings.task_soft_time_limit or None


def effect_task(
    effect_type: type[E],
    *,
    max_attempts: int = 5,
    backoff: Backoff | None = None,
    fatal: Sequence[type[Exception]] = (),
    lease_seconds: float | None = None,
    dead_holds: bool = False,
    queue: str | None = None,
    **options: Any,
) -> Callable[[Callable[[E, Delivery], Any]], EffectTask[E]]:
    """Register what delivers the effects of ``effect_type``, in a Celery worker.

    It is called outside of any transaction, at least once for each effect. What it appends or dispatches is
    stamped with the fact that called for the effect. ``raise RetryLater(seconds)`` and ``raise
    Fatal(reason)`` steer one attempt; any other error fails it.

    Args:
        effect_type: A class decorated with ``@effect_type``.
        max_attempts: After so many attempts, 1 or more, the effect is dead, for somebody to look at.
        backoff: How long to wait between attempts (default: 2 s, doubled up to an hour, half of it random).
        fatal: Errors after which no other attempt is made.
        lease_seconds: How long an attempt may take (seconds; default: FACTOS_EFFECT_LEASE_SECONDS). After
            that another worker may begin one, so it is longer than the time limit of the task.
        dead_holds: Whether effects with the same ordering key wait for a dead one until somebody retries or
            drops it. By default they go on without it.
        queue: Of its messages (default: what the project's task_routes say).
        options: Handed to Celery's ``shared_task``: ``rate_limit``, ``time_limit``, ``acks_late``. Celery's
            own retries are not used, for they would not be counted.

    Raises:
        RegistrationError: ``effect_type`` is none, it has a handler already, or an argument cannot be.
    """
    kind = _kind(effect_type)
    policy = _policy(kind.name, max_attempts, backoff, fatal, lease_seconds, dead_holds=dead_holds)
    if reserved := sorted({"name", "bind", "base"} & options.keys()):
        raise _refused(kind.name, f"{reserved[0]}= is ours")

    def register(function: Callable[[E, Delivery], Any]) -> EffectTask[E]:
        if not callable(function) or iscoroutinefunction(function):
            raise _refused(kind.name, "a handler is a function, not async, of an effect and its delivery")
        if HANDLERS.named(kind.name) is not None:  # before Celery has another task of that name
            raise _refused(kind.name, "it has a handler already")
        task = _task(kind.name, function, options)
        made: EffectTask[E] = EffectTask(kind.name, kind, function, policy, task, queue)
        HANDLERS.register(made)
        return made

    return register


def _task(name: str, function: Callable[..., Any], options: dict[str, Any]) -> Any:
    def run(self: Any, id: Any) -> str:
        return delivered_by_message(name, id, self.request)

    run.__doc__, run.__module__ = function.__doc__, function.__module__
    return shared_task(**{"ignore_result": True, **options}, name=TASK_PREFIX + name, bind=True)(run)


def _kind(effect_type: object) -> EffectType:
    found = EFFECT_TYPES.of(effect_type) if isinstance(effect_type, type) else None
    if found is None:
        name = getattr(effect_type, "__qualname__", repr(effect_type))
        raise _refused(name, "it is no effect type: decorate it with @effect_type")
    return found


def _policy(
    name: str,
    max_attempts: int,
    backoff: Backoff | None,
    fatal: Sequence[type[Exception]],
    lease_seconds: float | None,
    *,
    dead_holds: bool,
) -> Policy:
    if isinstance(max_attempts, bool) or not isinstance(max_attempts, int) or max_attempts < 1:
        raise _refused(name, "max_attempts= is a whole number from 1")
    if backoff is not None and not isinstance(backoff, Backoff):
        raise _refused(name, "backoff= is a Backoff")
    errors = tuple(fatal) if isinstance(fatal, Sequence) else (fatal,)
    if not all(isinstance(each, type) and issubclass(each, Exception) for each in errors):
        raise _refused(name, "fatal= takes classes of errors")
    if lease_seconds is not None and not (is_wait(lease_seconds) and lease_seconds > 0):
        raise _refused(name, "lease_seconds= is a number above 0")
    return Policy(max_attempts, backoff or Backoff(), errors, lease_seconds, dead_holds)


def _refused(name: str, reason: str) -> RegistrationError:
    return RegistrationError(what="Handler of effect", name=name, reason=reason)
