"""A web server as it is used in earnest: gunicorn, two processes of four threads, connections kept."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.clients import ClientFailed

__all__ = ["served"]

_ROOT = Path(__file__).resolve().parents[3]
_COMMAND = [
    *(sys.executable, "-m", "gunicorn", "tests.benchmarks.rest.wsgi:application"),
    *("--workers", "2", "--worker-class", "gthread", "--threads", "4"),
    *("--keep-alive", "60", "--bind", "127.0.0.1:0"),
]


@contextmanager
def served(environment: Mapping[str, str]) -> Iterator[str]:
    """Serve the project until the block ends; give host and port."""
    process = subprocess.Popen(
        _COMMAND,
        cwd=_ROOT,
        env={**os.environ, **environment, "PYTHONWARNINGS": "ignore"},  # of who runs it
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"Listening at: http://(\S+)", line):
            return found[1]
    raise ClientFailed("gunicorn ended without a word")
