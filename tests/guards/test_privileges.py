"""A role that may only append."""

import pytest
from django.db import DatabaseError, transaction

from tests.guards.conftest import Opener
from tests.guards.facts import add, noted, saw, tagged, weighing
from tests.guards.sessions import Session
from tests.stores import Store, on_databases

#: All that an appending process needs. UPDATE on the gate and the guard row is for their locks.
GRANTS = [
    "SELECT, INSERT ON factos_event, factos_tag, factos_idempotencykey",
    "SELECT, INSERT, UPDATE ON factos_gate, factos_guard",
    "USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public",
]


@on_databases("postgres")
def test_a_role_that_may_not_change_facts_can_append_and_read_them(store: Store, session: Opener) -> None:
    """Row 32: row locks on tags and a lock on the event table needed UPDATE there."""
    a = session("a")
    role = f"factos_appender_{a.pid}"
    a.begin()  # the role is rolled back too
    a.sql(f"CREATE ROLE {role}")
    for grant in GRANTS:
        a.sql(f"GRANT {grant} TO {role}")
    a.sql(f"SET LOCAL ROLE {role}")
    a.run(a.log.append, [noted("first", "t")], idempotency_key="k")
    done = a.run(a.log.dispatch, add("second", "t"), decider=weighing, query=tagged("t"))
    assert saw(done) == ("first",)
    assert a.run(a.log.head) == done.position
    assert a.run(a.log.read_context, tagged("t"), weighing).state == ("first", "second")
    for forbidden in ("UPDATE factos_event SET version = 2", "DELETE FROM factos_tag"):
        with pytest.raises(DatabaseError, match="permission denied"):
            a.run(in_savepoint, a, forbidden)
    a.rollback()


def in_savepoint(session: Session, statement: str) -> None:
    with transaction.atomic(using=session.using):
        session.execute(statement)
