"""The project of rest-api.md, in the current directory: migrated, served, and asked as the page does.

``python -m tests.rest.docs_project``: the blocks of Python are files here, ``ask.sh`` holds the commands.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "factos_django",
    "shows",
]


def main() -> None:
    """Do what the page does, and print what comes of it."""
    said: dict[str, Any] = {"INSTALLED_APPS": list(APPS)}
    with open("settings.py", encoding="utf-8") as file:
        exec(file.read(), said)
    settings.configure(
        **{name: value for name, value in said.items() if name.isupper()},
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": "page.sqlite3",
                "OPTIONS": {"transaction_mode": "IMMEDIATE"},
            }
        },
        ROOT_URLCONF="urls",
        SECRET_KEY="of a test",
        ALLOWED_HOSTS=["127.0.0.1"],
        STATIC_URL="static/",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("check", fail_level="WARNING", stdout=sys.stderr)
    _add_clerks()
    api = f"http://127.0.0.1:{_serve()}/api"
    environment = {**os.environ, "API": api, "LOGIN": "ada:secret"}
    subprocess.run(["bash", "-euo", "pipefail", "ask.sh"], env=environment, check=True, stdout=sys.stderr)
    _take_seats(api)


def _add_clerks() -> None:
    """Ada has the show hamlet, bob another one."""
    from django.contrib.auth.models import Group, Permission, User

    for name, show in {"ada": "hamlet", "bob": "othello"}.items():
        user = User.objects.create_user(name, password="secret")
        user.groups.add(Group.objects.create(name=show))
        names = ["view_event", "view_event_data", "append_event"]
        user.user_permissions.set(Permission.objects.filter(codename__in=names))


def _serve() -> int:
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Handler(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


def _take_seats(api: str) -> None:
    """Ada takes a free seat; she gets none that is taken, and none of bob's show."""
    from urllib.error import HTTPError

    from client import Client, take_seat  # type: ignore[import-not-found]  # the page's

    ada = Client(api, "ada:secret")
    print([take_seat(ada, "hamlet", 8, "rob"), take_seat(ada, "hamlet", 8, "renata")])  # noqa: T201
    taken: list[bool] = []
    rivals = [
        threading.Thread(target=lambda: taken.append(take_seat(ada, "hamlet", 9, "rob"))) for _ in range(8)
    ]
    for each in rivals:
        each.start()
    for each in rivals:
        each.join()
    print(sorted(taken))  # noqa: T201
    try:
        take_seat(ada, "othello", 1, "rob")
    except HTTPError as error:
        with error:
            print(error.code)  # noqa: T201


if __name__ == "__main__":
    main()
