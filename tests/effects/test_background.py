"""The thread that sends messages: it leaves a broker that fails alone for a moment."""

from __future__ import annotations

import threading

import pytest

from factos_django.tasks import background
from factos_django.tasks.background import Background

PATIENCE = 60


def fails() -> None:
    raise OSError("down")


def test_it_pauses_longer_after_work_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    paused = threading.Semaphore(0)

    class Clock:
        @staticmethod
        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            paused.release()

    monkeypatch.setattr(background, "time", Clock)
    thread = Background()
    for work in (fails, lambda: None, fails):
        thread.submit("key", work)
        assert paused.acquire(timeout=PATIENCE)
    assert pauses == [1.0, 0.02, 1.0]
