"""What the server answers is known, and only a connection that is gone leaves anything unknown."""

import pytest
from django.db import OperationalError, connections, transaction
from psycopg import IsolationLevel

from factos_django import OutcomeUnknown, WrongIsolation
from factos_django.dispatch import dispatch, retrying
from factos_django.store import append, read_context
from factos_django.store.transactions import unit_of_work
from tests.faults.actors import counted
from tests.faults.facts import about, new, seating, unless
from tests.guards.sessions import until
from tests.scratch import connected_anew, second_session
from tests.stores import on_databases

HOLD = "SELECT factos_hold_4(%s, %s)"
REQUEST = '{"whole_log": false, "keys": [], "shares": []}'


def execute(using, statement, *parameters):
    with connections[using].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def session_of(using):
    own = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}
    return execute(using, own[connections[using].vendor])


ASKING = {
    "append": lambda using: append(new("hall"), using=using),
    "append under a condition": lambda using: append(new("hall"), condition=unless("hall"), using=using),
    "read_context": lambda using: read_context(about("hall"), seating, using=using),
    "dispatch": lambda using: dispatch("hall", decider=seating, query=about, using=using),
}


@on_databases("postgres")
@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_a_statement_that_took_too_long_is_told_as_the_server_tells_it(store, ask):
    [tag] = about("hall").items[0].tags
    with second_session(store.using) as other, connected_anew(store.using) as connection:
        other.execute("BEGIN")
        other.execute(HOLD, [REQUEST, f'[{{"tags": ["{tag}"], "types": []}}]'])
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 200")
        with pytest.raises(OperationalError, match="statement timeout"):
            ask(store.using)
        other.execute("ROLLBACK")
    assert counted(store.using)["events"] == 0


@on_databases("postgres")
def test_a_connection_that_is_known_to_be_closed_is_opened_again(store):
    append(new("hall"), using=store.using)
    connections[store.using].connection.close()
    append(new("hall"), using=store.using)
    assert counted(store.using)["events"] == 2


@on_databases("postgres", "mariadb", also=["default"])
def test_an_error_of_another_database_leaves_this_connection_open(store):
    before = session_of(store.using)

    @retrying(using=store.using)
    def work():
        append(new("hall"), using=store.using)
        execute("default", "SELECT * FROM no_such_table")

    with pytest.raises(OperationalError, match="no_such_table"):
        work()
    assert session_of(store.using) == before
    assert counted(store.using)["events"] == 0


@on_databases("postgres", "mariadb", also=["default"])
def test_an_error_after_the_commit_is_told_as_it_is(store):
    @retrying(using=store.using)
    def work():
        append(new("hall"), using=store.using)
        transaction.on_commit(lambda: execute("default", "SELECT * FROM no_such_table"), using=store.using)

    with pytest.raises(OperationalError, match="no_such_table"):
        work()
    assert counted(store.using)["events"] == 1


@on_databases("postgres")
@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_an_isolation_that_the_project_asks_for_is_refused_whatever_is_asked(store, ask):
    options = connections[store.using].settings_dict.get("OPTIONS", {})
    wrong = {**options, "isolation_level": IsolationLevel.REPEATABLE_READ}
    with connected_anew(store.using, OPTIONS=wrong), pytest.raises(WrongIsolation):
        ask(store.using)


@on_databases("postgres")
def test_a_transaction_that_was_idle_for_too_long_has_lost_its_connection(store):
    """The server says so in an answer of its own, and closes the connection."""
    with connected_anew(store.using) as connection:
        with pytest.raises(OutcomeUnknown), unit_of_work(store.using):
            be_idle_for_too_long(store.using, connection)
        append(new("hall"), using=store.using)
    assert counted(store.using)["events"] == 1


def be_idle_for_too_long(using, connection):
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 100")
    until(lambda: is_gone(using, connection), "the server ending the session")


def is_gone(using, connection):
    pid = connection.connection.info.backend_pid
    with second_session(using) as other:
        other.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid])
        return other.fetchone() == (0,)
