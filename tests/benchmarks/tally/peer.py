"""``python -m tests.benchmarks.tally.peer JOB``: the same view in the peer, by its own projection API.

Events are msgspec structs, as in its examples, mapped by its MessagePackMapper; the view is a
PostgresTrackingRecorder with a table of its own, whose rows and tracking are written in one transaction an
event, which is all that its Projection offers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from eventsourcing.dcb.application import DCBApplication
from eventsourcing.dcb.domain import Tagged
from eventsourcing.dcb.msgpack import Decision
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.utils import get_topic
from psycopg.sql import SQL, Identifier

from tests.benchmarks.tally import domain
from tests.benchmarks.tasks import Job, Steps, Task, create, serve

__all__ = ["Tallies"]

#: How long a run may take at most (seconds).
_PATIENCE = 3600.0


class Noted(Decision):
    """Both of our events in one: its subscription selects one type, or all events that have a tag."""

    subject: str
    #: None: it is dropped.
    amount: Decimal | None


class Log(DCBApplication):
    env = {"MAPPER_TOPIC": "eventsourcing.dcb.msgpack:MessagePackMapper"}


class TallyView(PostgresTrackingRecorder):
    """The rows: subject, count, total, and the position of the last event."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self._table = SQL("{0}.{1}").format(Identifier(self.datastore.schema), Identifier("tally"))
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} (subject text PRIMARY KEY, count integer, "
                "total numeric(20, 2), last bigint)"
            ).format(self._table)
        )

    def add(self, subject: str, amount: Decimal, tracking: Tracking) -> None:
        sql = (
            "INSERT INTO {} AS t VALUES (%s, 1, %s, %s) ON CONFLICT (subject) DO UPDATE SET "
            "count = t.count + 1, total = t.total + excluded.total, last = excluded.last"
        )
        self._write(sql, (subject, amount, tracking.notification_id), tracking)

    def remove(self, subject: str, tracking: Tracking) -> None:
        self._write("DELETE FROM {} WHERE subject = %s", (subject,), tracking)

    def _write(self, sql: Any, parameters: tuple[Any, ...], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(SQL(sql).format(self._table), parameters)


class TallyProjection(Projection[TallyView]):
    name = "tally"
    topics = (get_topic(Noted),)

    def process_event(self, tagged: Tagged[Any], tracking: Tracking) -> None:
        decision = tagged.decision
        if decision.amount is None:
            self.view.remove(decision.subject, tracking)
        else:
            self.view.add(decision.subject, decision.amount, tracking)


class Tallies:
    """What the tasks need of the peer."""

    def create(self) -> None:
        Log(env={"CREATE_TABLE": "y"}).close()


def fill(_store: Tallies, job: Job) -> Steps:
    """Record a log of a given size."""
    log = Log(env={"CREATE_TABLE": "n"})
    yield
    begun, events = time.perf_counter(), domain.events_of_log(job.log)
    while batch := list(islice(_tagged(events), job.batch)):
        log.recorder.append([log.mapper.to_dcb_event(each) for each in batch])
    return {"count": job.log, "seconds": time.perf_counter() - begun}


def replay(_store: Tallies, job: Job) -> Steps:
    """Let a projection process the whole log."""
    yield
    begun = time.perf_counter()
    with ProjectionRunner(
        application_class=Log,
        projection_class=TallyProjection,
        view_class=TallyView,
        env={"CREATE_TABLE": "y", "TALLY_PERSISTENCE_MODULE": "eventsourcing.postgres"},
    ) as runner:
        runner.wait(job.log, timeout=_PATIENCE)
        return {"count": job.log, "seconds": time.perf_counter() - begun}


def _tagged(events: Iterator[domain.Counted | domain.Dropped]) -> Iterator[Tagged[Any]]:
    for event in events:
        amount = event.amount if isinstance(event, domain.Counted) else None
        yield Tagged([f"subject:{event.subject}"], Noted(event.subject, amount))


TASKS_OF_PEER: dict[str, Task] = {each.__name__: each for each in (create, fill, replay)}

if __name__ == "__main__":
    serve(Tallies(), TASKS_OF_PEER)
