"""Where a run happens: its processes, its broker, its sink, and how much is in flight at the moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from factos_django.models import Effect
from tests.effects.effect_run.brokers import Broker
from tests.effects.effect_run.clocks import Clock
from tests.effects.effect_run.plan import Plan
from tests.effects.effect_run.processes import Crew, Process, relay_command, worker_command
from tests.effects.effect_run.writing import Writing
from tests.effects.sink import Sink

__all__ = ["Stage"]

_UNFINISHED = (Effect.State.PENDING, Effect.State.RUNNING)
#: How long anything here is waited for (seconds).
_PATIENCE = 60


@dataclass
class Stage:
    """Where a run happens.

    Attributes:
        evidence: What happened.
        seen: What struck, as it was seen from outside.
        writers: The writers, by the file of their notes.
        struck: When the blow was over (by the monotonic clock).
    """

    plan: Plan
    directory: Path
    broker: Broker
    crew: Crew
    sink: Sink
    evidence: Counter[str] = field(default_factory=Counter)
    seen: list[str] = field(default_factory=list)
    writers: dict[Path, Process] = field(default_factory=dict)
    victims: list[Process] = field(default_factory=list)
    struck: float = 0.0

    def start_worker(self, *, solo: bool, failpoint: str = "", clock: Clock | None = None) -> Process:
        """Start a Celery worker, which dies at a failpoint if one is given, and may have a wrong clock."""
        name = f"worker-{len(self.crew.processes) + 1}"
        return self.crew.start("worker", worker_command(name, solo=solo), **self._about(failpoint, clock))

    def start_relay(self, failpoint: str = "", clock: Clock | None = None) -> Process:
        """Start a relay, in the same ways."""
        return self.crew.start("relay", relay_command(self.plan.using), **self._about(failpoint, clock))

    def start_writer(self, parcels: int, failpoint: str = "") -> Process:
        """Start a writer, which dies at a failpoint if one is given."""
        plan, name = self.plan, f"w{len(self.writers)}"
        notes = self.directory / f"{name}.notes"
        writing = Writing(
            plan.using, name, plan.seed, str(notes), parcels, plan.pause, plan.told, plan.billed
        )
        made = self.crew.start("writer", writing.command, **self._about(failpoint))
        self.writers[notes] = made
        return made

    def in_flight(self) -> int:
        """Return how many effects are leased, or have a message in the broker, and are not done."""
        unfinished = Effect.objects.using(self.plan.using)
        running = unfinished.filter(state=Effect.State.RUNNING).count()
        pending = unfinished.filter(state=Effect.State.PENDING).count()
        return running + min(pending, self.broker.messages())

    def unfinished(self) -> int:
        """Return how many are not done, dead or dropped."""
        return Effect.objects.using(self.plan.using).filter(state__in=_UNFINISHED).count()

    def await_(self, what: str, holds: Callable[[], bool], seconds: float = _PATIENCE) -> bool:
        """Wait until it holds; where it never does, say so, and return False."""
        deadline = time.monotonic() + seconds
        while not holds():
            self.tend()
            if time.monotonic() > deadline:
                self.seen.append(f"after {seconds:.0f} s in vain: {what}")
                return False
            time.sleep(0.05)
        return True

    def await_flight(self) -> None:
        """Wait until enough is in flight, and some is done; note how much it was."""
        flying = 0

        def is_enough() -> bool:
            nonlocal flying
            flying = self.in_flight()
            return flying >= self.plan.in_flight and self.sink.file.stat().st_size > 0

        self.await_(f"{self.plan.in_flight} in flight", is_enough, seconds=20)
        self.evidence["in flight"] = flying

    def await_rest(self) -> bool:
        """Wait until no effect is unfinished."""
        return self.await_(
            "all effects are finished", lambda: not self.unfinished(), seconds=self.plan.seconds
        )

    def tend(self) -> None:
        """Start a worker for each that an effect has killed, as whatever supervises them does."""
        while len(self.crew.of("worker")) < self.plan.workers:
            self.start_worker(solo=True)

    def go_on(self) -> None:
        """Let the writers write their second halves."""
        for each in self.writers.values():
            each.tell("go on")

    def await_writers(self) -> None:
        """Return when those who are to end by themselves have ended."""
        for each in self.writers.values():
            if each not in self.victims:
                each.end()

    @property
    def armed(self) -> Path:
        """The file by which failpoints are armed."""
        return self.directory / "armed"

    def _about(self, failpoint: str, clock: Clock | None = None) -> dict[str, str]:
        """Return the settings of a process that dies at the failpoint, and has the clock."""
        dying = {"FACTOS_TEST_FAILPOINT": failpoint, "FACTOS_TEST_ARMED": str(self.armed)}
        return (dying if failpoint else {}) | (clock.settings if clock else {})
