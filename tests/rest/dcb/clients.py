"""What the clients do: those that contend for few tags, those that keep to themselves, one that follows."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from factos_django import Query, QueryItem
from tests.history.clients import Proposal, Shared
from tests.history.operations import Append, Asked, History, Reading, Transaction, now
from tests.rest.dcb.connection import Connection
from tests.rest.dcb.log import identity_of

__all__ = ["Client", "Contender", "Follower", "Loner"]


class Client:
    """One client of the API, which notes what it asked and what it was told."""

    def __init__(self, number: int, seed: int, connection: Connection, history: History) -> None:
        self.number = number
        self.seed = seed
        self.dice = random.Random(f"{seed} {number}")
        self.connection = connection
        self.history = history
        self.named = 0

    def new_name(self) -> str:
        """Return a name that no other append of the run has."""
        self.named += 1
        return f"a{self.number}-{self.named}"

    def append(self, proposal: Proposal, condition: dict[str, Any] | None) -> Append:
        """Ask for it, and note what came of it."""
        name = self.new_name() if proposal.key or proposal.ids else proposal.mark
        batch = proposal.batches[0]
        body = {"events": [_event(name, proposal, n, asked) for n, asked in enumerate(batch)]}
        headers = {} if proposal.key is None else {"Idempotency_Key": proposal.key}
        asked = body if condition is None else body | {"condition": condition}
        invoked = now()
        status, answer = self.connection.post("events/append/", asked, **headers)
        about = {} if condition is None else {
            "query": condition["fail_if_events_match"], "after": condition.get("after")
        }  # fmt: skip
        done = Append(
            name=name, mark=proposal.mark, transaction=f"t-{name}", key=proposal.key, ids=proposal.ids,
            form="blind" if condition is None else "conditional", invoked=invoked, completed=now(),
            facts=batch, alone=True, **about, **_told(status, answer),
        )  # fmt: skip
        self._note(done)
        return done

    def _note(self, done: Append) -> None:
        outcome = "committed" if done.outcome == "accepted" else "rolled back"
        moments = (done.invoked, done.invoked, done.completed)
        self.history.add(Transaction(done.transaction, self.number, *moments, outcome))
        self.history.add(done)

    def condition(self, query: dict[str, Any], least: int = 0) -> dict[str, Any]:
        """Read the context in one of the two ways; return the condition that it has not moved since."""
        source = self.dice.choice(["context", "query"])
        after = self.read(source, query)
        return {"fail_if_events_match": query, "after": max(after, least)}

    def read(self, source: str, query: dict[str, Any]) -> int:
        """Read all that matches, note it, and return up to where it is known."""
        invoked = now()
        limit = {"limit": 1000} if source == "query" else {}
        status, answer = self.connection.post(f"events/{source}/", {"query": query, **limit})
        assert status == 200, answer
        upto: int = answer["after" if source == "context" else "head"]
        seen = tuple((event["position"], identity_of(event)) for event in answer["events"])
        kind = "context" if source == "context" else "read"
        self.history.add(Reading(self.number, kind, None, query, 0, invoked, now(), seen, upto))
        return upto


class Contender(Client):
    """Decides and appends what others decide and append, too; some of it under a key, or ids, of several."""

    def __init__(self, *about: Any, shared: Shared) -> None:
        super().__init__(*about)
        self.shared = shared

    def work(self, operations: int) -> None:
        """Do so many appends."""
        for _ in range(operations):
            proposal = self._proposal()
            condition = None if proposal.form == "blind" else self.condition(proposal.query.as_data())
            self.append(proposal, condition)

    def _proposal(self) -> Proposal:
        if self.dice.random() < 0.25:
            key = self.shared.new_key()
            dice = random.Random(f"{self.seed} {key}")
            return Proposal.drawn(dice, key, key, f"seat:of-{key}").known_by(
                dice.choice(["key", "ids", "both"])
            )
        return Proposal.drawn(self.dice, self.new_name(), None, self.shared.new_tag())


class Loner(Client):
    """Decides and appends about a subject that is nobody else's. The head may lie below its own last fact."""

    def work(self, operations: int) -> None:
        """Do so many appends, each of which has to be accepted."""
        tag, last = f"loner:{self.number}", 0
        query = Query.of(QueryItem(tags=[tag]))
        fact = Asked("history.Red", (tag,))
        for _ in range(operations):
            proposal = Proposal(self.new_name(), None, "conditional", query, ((fact,) * 2,), -1)
            done = self.append(proposal, self.condition(query.as_data(), least=last))
            last = max(done.positions, default=last)


class Follower(Client):
    """Reads on from its checkpoint, a few facts at a time, until the others have ended, and to the end."""

    def follow(self, is_over: Callable[[], bool]) -> None:
        """Follow everything."""
        query, checkpoint, is_last = Query.all().as_data(), 0, False
        while not is_last:
            over = is_over()
            invoked = now()
            asked = {"query": query, "after": checkpoint, "limit": 7}
            status, answer = self.connection.post("events/query/", asked)
            assert status == 200, answer
            seen = tuple((event["position"], identity_of(event)) for event in answer["events"])
            upto = answer["head"]
            self.history.add(
                Reading(
                    self.number, "follow", None, query, checkpoint, invoked, now(), seen, upto, limited=True
                )
            )
            checkpoint, is_last = upto, over and answer["complete"]


def _event(name: str, proposal: Proposal, ordinal: int, asked: Asked) -> dict[str, Any]:
    id = {"id": str(uuid5(NAMESPACE_OID, f"{proposal.mark}/{ordinal}"))} if proposal.ids else {}
    data = {"mark": proposal.mark, "ordinal": ordinal}
    return {"type": asked.type, "data": data, "tags": list(asked.tags), "metadata": {"append": name}, **id}


def _told(status: int, answer: Any) -> dict[str, Any]:
    match status:
        case 201:
            positions = tuple(each["position"] for each in answer["events"])
            assert answer["position"] == positions[-1]
            return {"outcome": "accepted", "positions": positions}
        case 409:
            return {
                "outcome": "rejected",
                "conflicts": tuple(each["position"] for each in answer["conflicts"]),
            }
        case 503:
            return {"outcome": "busy", "error": str(answer)}
        case _:
            return {"outcome": "failed", "error": f"{status} {answer}"}
