"""Many who want the same name at the same moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

from demo_project.crowd import Crowd, crowd
from demo_project.registration.domain import (
    RegisterUsername,
    facts_of_name,
    folded,
    registration_context,
    usernames,
)
from demo_project.registration.forms import new_member
from factos_django import evolve_recorded
from factos_django.dispatch import dispatch
from factos_django.store import read

__all__ = ["Rush", "rush"]


@dataclass(frozen=True, slots=True)
class Rush:
    """What came of it.

    Attributes:
        holders: How many members have the name then, folded from the log.
    """

    username: str
    many: int
    crowd: Crowd
    holders: int

    @property
    def is_as_it_should_be(self) -> bool:
        """Tell whether each had an answer, and no two members have the name."""
        return not self.crowd.failed and self.holders <= 1

    def in_words(self) -> str:
        """Return all of it, in sentences."""
        told = self.crowd.in_words("registered")
        members = {0: "nobody has", 1: "one member has"}.get(self.holders, f"{self.holders} MEMBERS HAVE")
        return f"{self.many} wanted {self.username} at once: {told} By the log {members} it."


def rush(username: str, many: int) -> Rush:
    """Let so many new members register the name, each in one of its spellings."""
    spellings = [username, username.upper(), username.capitalize()]
    same = [spelt for spelt in spellings if folded(spelt) == folded(username)]  # not so with a dotless i
    commands = [RegisterUsername(new_member(), spelt) for spelt in islice(cycle(same), many)]
    done = crowd([partial(_register, command) for command in commands])
    known = evolve_recorded(usernames, read(facts_of_name(username)))
    return Rush(username, many, done, len(known.holders(username)))


def _register(command: RegisterUsername) -> None:
    dispatch(command, decider=usernames, query=registration_context)
