"""Reactors and effects: what a fact calls for is written with it, and delivered after it, at least once."""

from factos_django.core.delivery import Backoff, Delivery, Fatal, RetryLater
from factos_django.effects.declaration import reactor

__all__ = ["Backoff", "Delivery", "Fatal", "RetryLater", "reactor"]
