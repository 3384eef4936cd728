"""The settings of a process that a test starts: the test databases, and what the test sets.

FACTOS_TEST_NAMES, in the environment, says how the databases are called; FACTOS_* and CELERY_* are settings,
as JSON.
"""

import json
import os

from demo_project.settings import parsed
from tests import celery_app
from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, SECRET_KEY

__all__ = ["DATABASES", "SECRET_KEY", "celery_app"]  # the app: as the __init__.py of a project does

for alias, name in json.loads(os.environ["FACTOS_TEST_NAMES"]).items():
    DATABASES[alias]["NAME"] = name

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}

globals().update(
    (name, parsed(text))
    for name, text in os.environ.items()
    if name.startswith(("FACTOS_", "CELERY_")) and not name.startswith("FACTOS_TEST_")
)

if "CELERY_BROKER_URL" in os.environ:
    from tests import celery_app  # a project that uses Celery makes its app in every process
