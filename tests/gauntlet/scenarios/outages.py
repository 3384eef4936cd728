"""The database that goes away while many write: killed, behind a rough network, its disk full."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

from django.core.management import call_command
from django.db import connections

from tests.faults.outlasting import OUTLASTED, die, outlast
from tests.faults.servers import Server, own_server
from tests.gauntlet.outcome import Outcome
from tests.gauntlet.scenario import Case, Scenario
from tests.gauntlet.scenarios.judged import RUNS, of_history
from tests.gauntlet.troubles.network import rough_network
from tests.gauntlet.troubles.small_disk import SmallDisk, small_disk, why_no_small_disk
from tests.history.evidence import Wanted
from tests.history.long_form import database
from tests.history.operations import now
from tests.proofs import proving
from tests.scratch import connected_anew
from tests.stores import STORES, Store

__all__ = ["DISKS", "KILLS", "NETWORKS"]

#: What strikes, and what it has counted so far.
Trouble = tuple[Callable[[], int], Callable[[], dict[str, int]]]

_PORTS = {"postgres": 5432, "mariadb": 3306}
#: For how long the network is rough, and the disk full, each time (seconds).
_ROUGH, _FULL = 4.0, 2.0


def _case(
    scenario: str,
    store: Store,
    times: int,
    seed: int,
    trouble: Callable[[Store, int], AbstractContextManager[Trouble]],
    wanted: Wanted,
    reason: str = "",
) -> Case:
    def once(number: int) -> tuple[Any, list[str]]:
        with trouble(store, seed + number) as (strike, counted), tempfile.TemporaryDirectory() as directory:
            report = outlast(store, Path(directory), strike, outages=times, seed=seed + number)
            counts.update(counted())
        return report, wanted.lacking(report.evidence)

    def run() -> Outcome:
        report, lacking = proving(once, RUNS)
        return of_history(scenario, store.id, report, lacking, counts)

    counts: dict[str, int] = {}
    return Case(store.id, run, reason)


def _on_servers() -> list[Store]:
    return [store for store in STORES if store.using in _PORTS]


# Killed.


def _cases_of_kills(seed: int, short: bool) -> Iterator[Case]:
    for store in _on_servers():
        yield _case(KILLS.name, store, 1 if short else 4, seed, _own_server, OUTLASTED)


@contextmanager
def _own_server(store: Store, _seed: int) -> Iterator[Trouble]:
    kills = 0

    def strike() -> int:
        nonlocal kills
        kills += 1
        return die(server, store.using)

    with own_server(store.using) as server:
        yield strike, lambda: {"server kills": kills}


# Behind a network.


def _cases_of_networks(seed: int, short: bool) -> Iterator[Case]:
    wanted = replace(OUTLASTED, cut=1 if short else 10, unknown=0 if short else 3)
    for store in _on_servers():
        yield _case(NETWORKS.name, store, 1 if short else 4, seed, _rough_network, wanted)


@contextmanager
def _rough_network(store: Store, seed: int) -> Iterator[Trouble]:
    def strike() -> int:
        begun = now()
        network.be_rough(_ROUGH)
        return begun

    with database(store.using):
        server = connections[store.using].settings_dict
        host, port = server["HOST"] or "127.0.0.1", int(server["PORT"] or _PORTS[store.using])
        with (
            rough_network(host, port, seed) as network,
            connected_anew(store.using, HOST="127.0.0.1", PORT=str(network.port)),
        ):
            yield strike, lambda: {f"messages {fate}": number for fate, number in network.harm.items()}


# On a full disk.


def _cases_of_disks(seed: int, short: bool) -> Iterator[Case]:
    reason = why_no_small_disk()
    wanted = replace(OUTLASTED, cut=0)
    for store in STORES:
        if short and store.using == "mariadb":
            continue  # it takes a minute to notice that there is room again
        if store.guard == ("tags" if store.using == "postgres" else "log"):
            yield _case(DISKS.name, store, 1 if short else 3, seed, _small_disk, wanted, reason)


#: How large the disk has to be for a server that has just been made (MiB).
_SIZES = {"default": 8, "postgres": 160, "mariadb": 256}
#: InnoDB's files grow in great steps, so most commits find room in them; a binary log grows at each.
_OPTIONS = {"mariadb": ["innodb_log_file_size=16M", "log_bin=binlog", "sync_binlog=1"]}


@contextmanager
def _small_disk(store: Store, _seed: int) -> Iterator[Trouble]:
    fills = restarts = 0

    def strike() -> int:
        nonlocal fills, restarts
        fills += 1
        begun = now()
        disk.fill()
        sleep(_FULL)
        disk.clear()
        restarts += _came_back(server, store.using)
        return begun

    with small_disk(_SIZES[store.using]) as disk, _on(disk, store.using) as server:
        yield strike, lambda: {"disk full": fills, "server restarts": restarts}


@contextmanager
def _on(disk: SmallDisk, using: str) -> Iterator[Server | None]:
    """Let the alias stand for a database on this disk."""
    if using == "default":
        with connected_anew(using, NAME=str(disk.directory / "log.sqlite3")):
            call_command("migrate", database=using, verbosity=0)
            yield None
    else:
        with own_server(using, *_OPTIONS.get(using, ()), within=disk.directory) as server:
            yield server


def _came_back(server: Server | None, using: str) -> bool:
    """Start the server again if it has ended for want of room; tell whether it had."""
    if server is None or server.process is None:
        return False
    if ended := server.process.poll() is not None:
        server.kill()
        server.start()
    server.await_answer(using)
    return ended


KILLS = Scenario(
    "server killed",
    "A database server of its own, at its durable defaults, is killed with SIGKILL and all its processes "
    "while six processes append and two follow, and is started again; they go on by themselves.",
    "A15, A31, C21, D28",
    _cases_of_kills,
)
NETWORKS = Scenario(
    "rough network",
    "A TCP proxy before the database delays messages, cuts connections before and behind a message, and "
    "swallows others and stays silent, while six processes append and two follow.",
    "A13, A14, A31",
    _cases_of_networks,
)
DISKS = Scenario(
    "disk full",
    "The database lies on a small disk, which is filled to the last byte while six processes append, and "
    "cleared again.",
    "A34",
    _cases_of_disks,
)
