"""A process that forks while its background thread works: the child has no half of it."""

from __future__ import annotations

from tests.children import manage

FORK = """
import os, threading, time
from factos_django.tasks.background import BACKGROUND

state, began = ["whole"], threading.Event()

def work():
    state[0] = "half"
    began.set()
    time.sleep({seconds})
    state[0] = "whole"

BACKGROUND.submit("work", work)
began.wait()
child = os.fork()
if not child:
    BACKGROUND.submit("in the child", lambda: None)
    os._exit(0 if state == ["whole"] and BACKGROUND.drain(60) else 3)
_, status = os.waitpid(child, 0)
BACKGROUND.submit("in the parent", lambda: None)
print(os.waitstatus_to_exitcode(status), BACKGROUND.drain(60), state)
"""


def forked(seconds: float) -> str:
    done = manage("shell", "--verbosity", "0", "-c", FORK.format(seconds=seconds))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_fork_waits_until_no_work_is_in_the_middle_of_something_and_both_go_on() -> None:
    assert forked(seconds=0.5) == "0 True ['whole']"


def test_a_fork_does_not_wait_for_work_that_hangs() -> None:
    assert forked(seconds=10) == "3 True ['whole']"
