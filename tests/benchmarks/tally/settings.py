"""The demo's settings, with this application in the place of the demo's.

CELERY_* in the environment are settings, as JSON.
"""

import os

from demo_project.settings import *  # noqa: F403
from demo_project.settings import INSTALLED_APPS as APPS_OF_THE_DEMO
from demo_project.settings import LOGGING as LOGGING_OF_THE_DEMO
from demo_project.settings import parsed

# The demo's projections would have each commit ask for a follower.
INSTALLED_APPS = [each for each in APPS_OF_THE_DEMO if each != "demo_project.ticketing"]
INSTALLED_APPS += ["tests.benchmarks.tally"]
ROOT_URLCONF = "tests.benchmarks.tally.urls"

# A broker that is down on purpose is told of all the time.
LOGGING = LOGGING_OF_THE_DEMO | {"root": {"handlers": ["console"], "level": "ERROR"}}

globals().update((name, parsed(text)) for name, text in os.environ.items() if name.startswith("CELERY_"))
