"""Many processes at once on each database, and what their history says of the guarantees, in short."""

from dataclasses import replace

import pytest
from django.conf import settings
from django.db import connections

from factos_django.guards.log import LogGuardByRow
from tests.history.long_form import SHORTLY, short_case
from tests.history.run import Plan, run
from tests.proofs import proving_run
from tests.stores import on_databases
from tests.without_locks import without_locks

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
with_postgres = pytest.mark.skipif("postgres" not in settings.DATABASES, reason="PostgreSQL is left out")


def prove(plan, wanted, directory):
    def once(number):
        (place := directory / str(number)).mkdir()
        return run(replace(plan, seed=plan.seed + number), place)

    proving_run(once, lambda report: wanted.lacking(report.evidence), plan.using)


def assert_killed(report, guarantee):
    """The mutant is found out by a fault under this guarantee, and not by a process that crashed."""
    assert not report.deaths, str(report)
    assert guarantee in {fault.guarantee for fault in report.faults}, str(report)


@on_databases()
def test_eight_processes_find_nothing_wrong(store, tmp_path):
    case = short_case(store)
    prove(case.plan, case.wanted, tmp_path)


@with_postgres
@pytest.mark.django_db(transaction=True, databases=list(settings.DATABASES))
def test_processes_under_either_guard_of_one_database_find_nothing_wrong(tmp_path):
    prove(Plan("postgres", guards=("tags", "log")), SHORTLY, tmp_path)


# On SQLite the one write lock of the file, which our transactions take as they begin, would do alone.
@on_databases("postgres", "mariadb")
def test_a_guard_that_holds_nothing_is_found(store, tmp_path, monkeypatch):
    monkeypatch.setattr(LogGuardByRow, "hold", lambda self, using: None)
    with without_locks(store.using):
        report = run(Plan(store.using, (store.guard,), victims=0, freezes=0), tmp_path)
    assert_killed(report, "G2")


def last_position(using):
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT coalesce(max(position), 0) FROM factos_event")
        return cursor.fetchone()[0]


@with_postgres
@pytest.mark.django_db(transaction=True, databases=list(settings.DATABASES))
def test_a_read_past_the_head_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("factos_django.store.reading.head", last_position)
    assert_killed(run(Plan("postgres", ("tags",), victims=0, freezes=0), tmp_path), "G4")
