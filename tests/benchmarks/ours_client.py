"""``python -m tests.benchmarks.ours_client JOB``: one client process of factos_django."""

from __future__ import annotations

import django

django.setup()

from tests.benchmarks.ours import TASKS_OF_OURS, Ours  # noqa: E402 (models want the settings)
from tests.benchmarks.tasks import serve  # noqa: E402

if __name__ == "__main__":
    serve(Ours(), TASKS_OF_OURS)
