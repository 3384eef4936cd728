"""``python -m tests.benchmarks.tally.client JOB``: one client process of factos_django's projections."""

from __future__ import annotations

import django

django.setup()

import tests.benchmarks.tally.celery_app  # noqa: E402, F401  (its broker is that of this process)
from tests.benchmarks.tally.tasks import TASKS_OF_TALLY, Tallies  # noqa: E402 (models want the settings)
from tests.benchmarks.tasks import serve  # noqa: E402

if __name__ == "__main__":
    serve(Tallies(), TASKS_OF_TALLY)
