"""The settings of the benchmark, with what follows the log: this application.

CELERY_* in the environment are settings, as JSON.
"""

import os

from demo_project.settings import LOGGING as LOGGING_OF_THE_DEMO
from demo_project.settings import parsed
from tests.benchmarks.settings import *  # noqa: F403
from tests.benchmarks.settings import INSTALLED_APPS as APPS_OF_THE_BENCHMARK

INSTALLED_APPS = [*APPS_OF_THE_BENCHMARK, "tests.benchmarks.tally"]

# A broker that is down on purpose is told of all the time.
LOGGING = LOGGING_OF_THE_DEMO | {"root": {"handlers": ["console"], "level": "ERROR"}}

globals().update((name, parsed(text)) for name, text in os.environ.items() if name.startswith("CELERY_"))
