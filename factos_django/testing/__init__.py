"""What a project's own tests use: given/when/then, soundness, simulation, a log in memory, a contract.

And, with a database: projections and effects that run in the test itself.
"""

from factos_django.testing.contract import Log, StoreContract
from factos_django.testing.deliver_effects import deliver_effects, pending_effects
from factos_django.testing.given import given
from factos_django.testing.in_memory_log import InMemoryLog
from factos_django.testing.run_projections import run_projections
from factos_django.testing.simulation import CommandKind, Invariant, Run, SimulationFailed, simulate
from factos_django.testing.soundness import assert_sound_context
from factos_django.testing.store_log import StoreLog

__all__ = [
    "CommandKind",
    "InMemoryLog",
    "Invariant",
    "Log",
    "Run",
    "SimulationFailed",
    "StoreContract",
    "StoreLog",
    "assert_sound_context",
    "deliver_effects",
    "given",
    "pending_effects",
    "run_projections",
    "simulate",
]
