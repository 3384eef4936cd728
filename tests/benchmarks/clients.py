"""Groups of client processes that start at one word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.tasks import Job, Result

__all__ = ["ClientFailed", "run_clients"]

_ROOT = Path(__file__).resolve().parents[2]


class ClientFailed(Exception):
    """A client ended without a result; what it said stands on the standard error."""


def run_clients(module: str, environment: Mapping[str, str], jobs: Sequence[Job]) -> list[Result]:
    """Do the jobs at the same time, each in a process of its own; return their results, in their order.

    All of them are prepared before the first begins.
    """
    with _started(module, environment, jobs) as processes:
        for process in processes:
            _line_of(process)
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(_line_of(process)) for process in processes]


def _line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise ClientFailed(f"{process.args!r} ended without a word")
    return line


@contextmanager
def _started(
    module: str, environment: Mapping[str, str], jobs: Sequence[Job]
) -> Iterator[list[subprocess.Popen[str]]]:
    """The processes, which are gone after the block, however it ends."""
    processes: list[subprocess.Popen[str]] = []
    try:
        processes.extend(_start(module, environment, job) for job in jobs)
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()


def _start(module: str, environment: Mapping[str, str], job: Job) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, job.to_json()],
        cwd=_ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is the parent's alone, which ends them
    )
