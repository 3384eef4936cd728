"""C19: the memory of a rebuild does not grow with the events, nor with the rows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connections

from factos_django.store import append
from tests.guards.sessions import under_tags
from tests.oddities.facts import Noted
from tests.stores import on_databases

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much it took"),
]

#: How much higher the peak may be with four times as many events and rows (bytes).
GROWTH = 5_000_000
#: FACTOS_REBUILD_MEMORY_BYTES of a rebuild that keeps few rows, and of one that keeps all.
LITTLE, PLENTY = 1_000_000, 1_000_000_000

_REBUILD = """
import django
django.setup()
from django.conf import settings
from django.db import connections
from factos_django.projections.rebuilding import rebuild
from tests.oddities.facts import declared, tallies
settings.FACTOS_REBUILD_MEMORY_BYTES = {memory}
connections[{using!r}].settings_dict["NAME"] = {name!r}
with declared(tallies):
    outcome = rebuild("oddities.tallies", batch_size=1000, using={using!r})
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(outcome.events, outcome.counts.missing, peak)
"""


def rebuilt(using, memory):
    """Rebuild in a process of its own; return events, rows, and the most memory that it ever had (bytes)."""
    source = _REBUILD.format(memory=memory, using=using, name=str(connections[using].settings_dict["NAME"]))
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    events, rows, kilobytes = map(int, done.stdout.split())
    return events, rows, kilobytes * 1024


def fact_of(number):
    return Noted(f"note {number // 2 if number % 5 == 0 else number}", -1 if number % 100 == 0 else 1)


def note_down(using, first, last):
    """Append a fact for each number, of as many notes less those that are noted twice or go."""
    for start in range(first, last, 5_000):
        facts = [
            Noted(f"note {n // 2 if n % 5 == 0 else n}", -1 if n % 100 == 0 else 1)
            for n in range(start, start + 5_000)
        ]
        append(facts, using=using)


@on_databases("default")
def test_the_memory_of_a_rebuild_on_sqlite_is_flat_in_events_and_rows(store):
    assert_flat(store.using)


@under_tags
def test_the_memory_of_a_rebuild_on_postgresql_is_flat_in_events_and_rows(store):
    assert_flat(store.using)


def assert_flat(using):
    note_down(using, 0, 15_000)
    events, rows, few = rebuilt(using, LITTLE)
    assert (events, rows > 9_000) == (15_000, True)
    empty(using)
    note_down(using, 15_000, 60_000)
    events, rows, many = rebuilt(using, LITTLE)
    assert (events, rows > 40_000) == (60_000, True)
    assert many - few < GROWTH, (few, many)
    empty(using)
    assert rebuilt(using, PLENTY)[2] - few > GROWTH  # so it would be seen


def empty(using):
    with connections[using].cursor() as cursor:
        cursor.execute("DELETE FROM oddities_tally")
