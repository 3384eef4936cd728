"""What a project's own tests use: given/when/then, a log in memory, and the contract of a store."""

from factos_django.testing.contract import Log, StoreContract
from factos_django.testing.given import given
from factos_django.testing.in_memory_log import InMemoryLog
from factos_django.testing.store_log import StoreLog

__all__ = ["InMemoryLog", "Log", "StoreContract", "StoreLog", "given"]
