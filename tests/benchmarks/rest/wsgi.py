"""The demo's project, with the event type of the benchmark."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

import tests.benchmarks.ours  # noqa: E402, F401  (it registers the type, and its models want the settings)
