"""The demo's Celery app; its settings are those of Django that begin with CELERY_.

manage.py, wsgi and asgi import it, so that every process knows the broker. The package itself does not: the
domain below it is pure.
"""

import os
from pathlib import Path
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_project.settings")

__all__ = ["app"]

app = Celery("demo_project")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.on_after_configure.connect  # type: ignore[untyped-decorator]
def make_folders(sender: Celery, **_: Any) -> None:
    """Make the folders of a broker that consists of files."""
    for name, folder in sender.conf.broker_transport_options.items():
        if "_folder" in name:
            Path(folder).mkdir(parents=True, exist_ok=True)
