"""``python -m tests.benchmarks.admin.client JOB``: the process that asks for the pages of the admin."""

import django

django.setup()

from tests.benchmarks.admin.asking import measure  # noqa: E402
from tests.benchmarks.tasks import serve  # noqa: E402

if __name__ == "__main__":
    serve(None, {"measure": measure})
