"""factos_django as the tasks use it: its public functions, in a Django project with its usual settings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection, transaction

from factos_django import AppendCondition, Decider, Query, QueryItem, event_type
from factos_django.dispatch import dispatch
from factos_django.store import append, head, read, read_context
from tests.benchmarks.facts import TYPE, Fact
from tests.benchmarks.tasks import TASKS, TASKS_IN_TRANSACTIONS, Job, Steps, Task

__all__ = ["TASKS_OF_OURS", "Noted", "Ours"]


@event_type(TYPE, tags=("context:{context}", "tenant:{tenant}"))
@dataclass(frozen=True, slots=True)
class Noted:
    context: str
    tenant: str
    note: str


def noted(fact: Fact) -> Noted:
    """The fact as an event of the application."""
    return Noted(fact.context, fact.tenant, fact.note)


def tagged(*tags: str) -> Query:
    """The facts that have all of these tags."""
    return Query.of(QueryItem(tags=tags))


#: It counts the facts of the context, and adds one whatever the count.
counting: Decider[Fact, int, Noted] = Decider(
    initial=0, decide=lambda _count, fact: [noted(fact)], evolve=lambda count, _event: count + 1
)


class Ours:
    """The Store protocol over factos_django."""

    def create(self) -> None:
        call_command("migrate", verbosity=0)

    def connect(self) -> None:
        connection.ensure_connection()

    def append(self, facts: Sequence[Fact], *, unless: Sequence[str] = (), after: int | None = None) -> None:
        condition = AppendCondition(tagged(*unless), after=after) if unless else None
        append([noted(fact) for fact in facts], condition=condition)

    def decide(self, fact: Fact) -> int:
        return dispatch(fact, decider=counting, query=tagged(fact.context_tag)).attempts - 1

    def read_context(self, tag: str) -> int:
        return read_context(tagged(tag), counting).position

    def replay(self) -> Iterator[object]:
        return read(Query.all())

    def follow(self, after: int) -> int:
        if head() > after:
            for recorded in read(Query.all(), after=after):
                after = recorded.position
        return after

    def transaction(self) -> AbstractContextManager[object]:
        return transaction.atomic()

    def record_and_hold(self, fact: Fact, seconds: float) -> None:
        with self.transaction():
            self.decide(fact)
            time.sleep(seconds)


def sign_in(_store: Ours, _job: Job) -> Steps:
    """Make a user who may read and append, if there is none, and a session of his."""
    user, _ = User.objects.get_or_create(username="client")
    asked = ("view_event", "view_event_data", "append_event")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="factos", codename__in=asked))
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    yield
    return {"session": session.session_key}


TASKS_OF_OURS: dict[str, Task] = TASKS | TASKS_IN_TRANSACTIONS | {"sign_in": sign_in}
