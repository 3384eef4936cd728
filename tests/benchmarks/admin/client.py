"""``python -m tests.benchmarks.admin.client JOB``: the process that asks for the pages of the admin."""

import django

django.setup()

import tests.benchmarks.ours  # noqa: E402, F401  (it registers the type of the facts in the logs)
from tests.benchmarks.admin.asking import measure, measure_first_page  # noqa: E402
from tests.benchmarks.tasks import serve  # noqa: E402

if __name__ == "__main__":
    serve(None, {"measure": measure, "measure_first_page": measure_first_page})
