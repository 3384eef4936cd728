"""Who works for the demo is looked after, and given up when it cannot work."""

from __future__ import annotations

import os
import signal

import pytest

from demo_project import staff as module
from demo_project.staff import RESTARTS, Clerk, StaffFailed, staff
from tests.demo.processes import lives, until


def clerk(path, code):
    return Clerk("clerk", ("-c", code), path / "clerk.log")


def look_after(*clerks):
    """Return True, to be asked again."""
    for each in clerks:
        each.look_after()


def test_one_that_keeps_dying_is_given_up_with_its_last_words(tmp_path):
    dying = clerk(tmp_path, "import sys; sys.exit('no bread today')")
    with pytest.raises(StaffFailed, match=r"^The clerk exits with 1:\n(no bread today\n)+$"), staff(dying):
        until(lambda: look_after(dying))
    assert dying.log.read_text().count("no bread") == RESTARTS + 1


def test_one_that_dies_now_and_then_is_started_again(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONG_ENOUGH", 0)
    dying = clerk(tmp_path, "print('here')")
    wanted = RESTARTS + 3
    with staff(dying):
        until(lambda: look_after(dying) or dying.log.read_text().count("here") >= wanted)


def test_of_one_whose_leash_is_killed_nothing_is_left_when_it_is_started_again(tmp_path):
    here = clerk(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    with staff(here):
        until(lambda: len(here.log.read_text().split()) == 1)
        assert here._process is not None
        here._process.kill()
        until(lambda: look_after(here) or len(here.log.read_text().split()) == 2)
        first, second = map(int, here.log.read_text().split())
        until(lambda: not lives(first))
        assert lives(second)


def test_all_end_when_one_of_them_cannot_be_started(tmp_path):
    first = clerk(tmp_path, "import time; time.sleep(600)")
    second = Clerk("second", ("-c", ""), tmp_path)  # a folder is no log
    with pytest.raises(IsADirectoryError), staff(first, second):
        pass
    assert first._process is not None
    assert first._process.poll() is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_would_end_us_leaves_the_block_in_order(tmp_path, number):
    here = clerk(tmp_path, "import time; time.sleep(600)")
    before = signal.signal(number, signal.SIG_DFL)  # these tests may be run by nohup
    try:
        with pytest.raises(KeyboardInterrupt), staff(here):
            until(lambda: os.kill(os.getpid(), number))
        assert here._process is not None
        assert here._process.poll() is not None
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_what_nohup_lets_us_ignore_is_ignored(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with staff(clerk(tmp_path, "import time; time.sleep(600)")):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
