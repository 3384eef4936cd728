"""``python -m tests.benchmarks.processor_time``: what a conditional append takes of the processors.

It needs Linux, and PostgreSQL beside it, used by nobody else: what the server took is what the kernel adds to
the time of its first process when the others end.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from tests.benchmarks.bench import LONG, SUBJECTS, Bench, missing_subjects
from tests.benchmarks.databases import Databases
from tests.benchmarks.figures import rate
from tests.benchmarks.tasks import Job, Result
from tests.settings import SERVERS

__all__ = ["Spent", "of_the_server", "spent"]

_RUNS = 3
_USED = "SELECT FROM pg_stat_activity WHERE datname = %s"
_A_MOMENT = 0.2  # seconds
_TICK = os.sysconf("SC_CLK_TCK")
#: In /proc/PID/stat, behind the program's name: user and system time of children that have ended (ticks).
_TIMES_OF_CHILDREN = slice(13, 15)


@dataclass(frozen=True, slots=True)
class Spent:
    """What an append took, of all clients and of all processes of the server that served them.

    Attributes:
        per_second: Appends of all clients.
        client, server: Processor time of one append (microseconds).
    """

    per_second: float
    client: float
    server: float


def spent(bench: Bench, subject: str, processes: int) -> Spent:
    """Let so many clients append for the time of the bench's scale."""
    job = Job("append", seconds=bench.scale.seconds)
    # Those that only begin and end tell what that takes of the server.
    _, for_nothing = _done(bench, subject, [replace(each, seconds=0) for each in job.numbered(processes)])
    results, server = _done(bench, subject, job.numbered(processes))
    count = sum(each["count"] for each in results)
    client = sum(each["processor"] for each in results)
    return Spent(rate(results), client / count * 1e6, (server - for_nothing) / count * 1e6)


def _done(bench: Bench, subject: str, jobs: Sequence[Job]) -> tuple[list[Result], float]:
    """Return what the clients tell, and what the server's processes took for them (s)."""
    with bench.fresh(subject) as database:
        before = of_the_server(bench, database)
        results = bench.clients(subject, database, jobs)
        return results, of_the_server(bench, database) - before


def of_the_server(bench: Bench, database: str) -> float:
    """Return what all processes of the server took that have ended (s), once nobody uses ``database``."""
    with bench.databases.connected() as connection:
        while connection.execute(_USED, [database]).fetchall():
            time.sleep(_A_MOMENT)
        time.sleep(_A_MOMENT)  # they end a little later than they leave
        status = Path(f"/proc/{connection.info.backend_pid}/status").read_text(encoding="utf-8")
    (parent,) = (line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
    _, _, after_name = Path(f"/proc/{parent}/stat").read_text(encoding="utf-8").rpartition(")")
    return sum(map(int, after_name.split()[_TIMES_OF_CHILDREN])) / _TICK


def _middle(measured: Sequence[Spent]) -> str:
    per_second = median(each.per_second for each in measured)
    client, server = median(each.client for each in measured), median(each.server for each in measured)
    return f"{per_second:10,.0f}{client:12,.0f}{server:12,.0f}"


def main() -> None:
    """Print a line for each subject and number of clients."""
    subjects = [each for each in SUBJECTS if each not in missing_subjects()]
    bench = Bench(Databases(SERVERS["postgres"]), scale=LONG, runs=_RUNS, subjects=tuple(subjects))
    sys.stdout.write("processes  subject      per s  client, us  server, us\n")
    try:
        for processes in (1, 4, 16):
            rounds = [[spent(bench, each, processes) for each in subjects] for _ in range(_RUNS)]
            for subject, *runs in zip(subjects, *rounds, strict=True):
                sys.stdout.write(f"{processes:9}  {subject:7}{_middle(runs)}\n")
    finally:
        bench.databases.remove_all()


if __name__ == "__main__":
    main()
