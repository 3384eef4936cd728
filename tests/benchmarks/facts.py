"""The facts that every subject records: one type, two tags, 200 bytes of JSON."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BYTES", "FACTS_OF_A_CONTEXT", "TYPE", "Fact", "contexts_of_log", "fact_of_log"]

TYPE = "bench.Noted"
#: Of the JSON of a fact.
BYTES = 200
#: In the logs of a given size.
FACTS_OF_A_CONTEXT = 10
#: In those logs, whatever their size: a tenant has one fact in a hundred.
TENANTS = 100


class Fact(NamedTuple):
    """What one event says. Its context is what is decided about; its tenant is a tag beside it."""

    context: str
    tenant: str

    @property
    def context_tag(self) -> str:
        return f"context:{self.context}"

    @property
    def tags(self) -> tuple[str, str]:
        return self.context_tag, f"tenant:{self.tenant}"

    @property
    def note(self) -> str:
        """Filling, so that the JSON has 200 bytes."""
        return "x" * (BYTES - len(self._json("")))

    @property
    def data(self) -> bytes:
        return self._json(self.note).encode()

    def _json(self, note: str) -> str:
        return f'{{"context":"{self.context}","tenant":"{self.tenant}","note":"{note}"}}'


def fact_of_log(ordinal: int, size: int) -> Fact:
    """The fact number ``ordinal`` of a log of ``size`` facts; those of one context lie far apart."""
    return Fact(str(ordinal % contexts_of_log(size)), str(ordinal % TENANTS))


def contexts_of_log(size: int) -> int:
    """How many contexts of ten facts a log of ``size`` facts has."""
    return size // FACTS_OF_A_CONTEXT
