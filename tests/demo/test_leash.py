"""A command on a leash: it ends with whoever holds it, and its children with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest

from demo_project.settings import BASE_DIR
from tests.demo.processes import lives
from tests.faults.actors import PATIENCE

LEASH = """
import sys
from demo_project import leash
leash.PATIENCE = 0.1
sys.exit(leash.hold(sys.argv[1:]))
"""

#: A command with a child that does not hear SIGTERM; both say who they are.
FAMILY = """
import os, signal, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(1, b"%d\\n" % os.getpid())
time.sleep(600)
"""

#: What holds the leash of a command, says who leads it, and stays.
HOLDER = """
import os, subprocess, sys, time
started = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)
os.write(1, b"%d\\n" % started.pid)
time.sleep(600)
"""


@contextmanager
def started(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", *arguments],
        cwd=BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with process:
            process.wait()


def on_leash(code):
    return started(LEASH, sys.executable, "-c", code)


def told(process, number):
    return [int(process.stdout.readline()) for _ in range(number)]


def assert_all_end(pids):
    deadline = time.monotonic() + PATIENCE
    while any(map(lives, pids)):
        assert time.monotonic() < deadline, pids
        time.sleep(0.01)


@pytest.mark.parametrize("status", [0, 3])
def test_it_exits_as_the_command_does(status):
    with on_leash(f"import sys; print('done'); sys.exit({status})") as process:
        assert process.wait(PATIENCE) == status
        assert process.stdout.read() == "done\n"


def test_a_command_that_is_stopped_and_goes_on_has_not_ended():
    with on_leash("import os, time; print(os.getpid(), flush=True); time.sleep(600)") as process:
        (command,) = told(process, 1)
        for number in (signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL):
            assert process.poll() is None
            os.kill(command, number)
        assert process.wait(PATIENCE) == -signal.SIGKILL % 256


def test_the_command_and_its_children_end_when_the_leash_is_let_go():
    with on_leash(FAMILY) as process:
        family = told(process, 2)
        process.stdin.close()
        assert_all_end([process.pid, *family])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_and_when_somebody_tells_it_to_end(number):
    with on_leash(FAMILY) as process:
        family = told(process, 2)
        process.send_signal(number)
        assert_all_end([process.pid, *family])


def test_and_when_its_holder_is_killed():
    with started(HOLDER, sys.executable, "-c", LEASH, sys.executable, "-c", FAMILY) as holder:
        others = told(holder, 3)
        holder.kill()
        assert_all_end(others)
