"""Decisions about what is not recorded yet. Pure; nothing here knows Django."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from demo_project.banking import domain as banking
from demo_project.billing import domain as billing
from demo_project.registration import domain as registration
from demo_project.showcase.memory import Memory
from demo_project.ticketing import domain as ticketing
from factos_django import Decider, DomainError, Proposed, Query, compute_events

__all__ = ["Decision", "Past"]

_IDS = UUID("b5a1c1d2-6f0e-5b1c-9c38-5f6f2e6a7d10")

#: Who decides each command, and from which facts.
_DECIDERS: Mapping[type, tuple[Decider[Any, Any, Any], Callable[[Any], Query]]] = {
    ticketing.OpenConference: (ticketing.conference_openings, ticketing.opening_context),
    ticketing.BuyTicket: (ticketing.ticket_sales, ticketing.sale_context),
    registration.RegisterUsername: (registration.usernames, registration.registration_context),
    registration.ChangeUsername: (registration.usernames, registration.change_context),
    registration.ReleaseUsername: (registration.usernames, registration.release_context),
    banking.OpenAccount: (banking.accounting, banking.opening_context),
    banking.CloseAccount: (banking.accounting, banking.closing_context),
    banking.DepositMoney: (banking.accounting, banking.deposit_context),
    banking.WithdrawMoney: (banking.accounting, banking.withdrawal_context),
    banking.TransferMoney: (banking.accounting, banking.transfer_context),
    billing.IssueInvoice: (billing.numbering, billing.issuing_context),
    billing.PayInvoice: (billing.settlement, billing.settlement_context),
    billing.VoidInvoice: (billing.settlement, billing.settlement_context),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A command that was accepted, and the facts that it made."""

    command: Any
    decider: Decider[Any, Any, Any]
    query: Query
    facts: tuple[Proposed[Any], ...]

    @property
    def fact(self) -> Any:
        """The fact that it made: one, in all contexts of the demo."""
        return self.facts[0].event


class Past:
    """All decisions so far. Each sees the facts that its query asks for, as it would in the log.

    The same ``seed`` and the same commands make the same facts, under the same ids.
    """

    def __init__(self, seed: int) -> None:
        self.memory = Memory()
        self._seed = seed
        self._facts = 0
        self._stories = 0
        self._cause: UUID | None = None

    def begin_story(self) -> None:
        """Let what is decided from now on belong together: each decision is caused by the one before."""
        self._stories += 1
        self._cause = None

    def decide(self, actor: str, command: Any) -> Decision | None:
        """Decide ``command``, and remember what came of it; None if it was refused, or was nothing to do."""
        decider, context = _DECIDERS[type(command)]
        query = context(command)
        try:
            made = compute_events(decider, self.memory.matching(query), command)
        except DomainError:
            return None
        self.memory.remember(made)
        metadata = self._metadata(actor, type(command).__module__)
        facts = tuple(Proposed(fact, id=self._next_id(), metadata=metadata) for fact in made)
        self._cause = facts[-1].id if facts else self._cause
        return Decision(command, decider, query, facts) if facts else None

    def _metadata(self, actor: str, module: str) -> dict[str, str]:
        story = self._named(f"story {self._stories}")
        known = {"actor": actor, "source_context": module.split(".")[-2], "correlation_id": str(story)}
        return known if self._cause is None else known | {"causation_id": str(self._cause)}

    def _next_id(self) -> UUID:
        self._facts += 1
        return self._named(f"fact {self._facts}")

    def _named(self, what: str) -> UUID:
        return uuid5(_IDS, f"{self._seed} {what}")
