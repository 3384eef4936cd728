"""When a lease may be taken by somebody else: it ended, or its holder is seen to be dead."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from factos_django.workers import leases
from factos_django.workers.leases import is_free, this_worker

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)


def named_like_us(pid: int, *, host: str = "") -> str:
    """A worker with this process id, on our host if none is given."""
    ours, _, random = this_worker().rpartition(":")
    return f"{host or ours.rpartition(':')[0]}:{pid}:{random}"


@pytest.fixture
def dead() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_nobodys_lease_and_one_that_ended_are_free() -> None:
    assert is_free("", LATER, NOW)
    assert is_free(this_worker(), None, NOW)
    assert is_free(this_worker(), NOW, NOW)
    assert not is_free(this_worker(), LATER, NOW)


def test_the_lease_of_a_process_that_died_here_is_free_at_once(dead: int) -> None:
    assert is_free(named_like_us(dead), LATER, NOW)


def test_whether_a_process_elsewhere_lives_nobody_knows(dead: int) -> None:
    assert not is_free(named_like_us(dead, host="elsewhere"), LATER, NOW)
    assert not is_free("no name of ours", LATER, NOW)


@pytest.mark.skipif(sys.platform != "linux", reason="process ids mean the same on all of the host")
def test_a_container_of_our_name_is_elsewhere(dead: int) -> None:
    """Containers on one host may share its name, and see only their own processes."""
    ours = this_worker().rpartition(":")[0].rpartition(":")[0]
    name, _, _ = ours.rpartition("/")
    assert not is_free(named_like_us(dead, host=f"{name}/1"), LATER, NOW)


@pytest.mark.skipif(sys.platform != "linux", reason="process ids mean the same on all of the host")
def test_a_machine_of_our_name_is_elsewhere(dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of containers the namespace of process ids has the same number on all machines."""
    same_name_here = named_like_us(dead)
    monkeypatch.setattr(Path, "read_text", lambda self, *_: "c0ffee00-another-boot")
    assert not is_free(same_name_here, LATER, NOW)
    assert is_free(named_like_us(dead, host=leases._host()), LATER, NOW)
