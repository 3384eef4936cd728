"""The project of the benchmark, with its event type."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

import tests.benchmarks.ours  # noqa: E402, F401  (it registers the type, and its models want the settings)
