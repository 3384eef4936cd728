"""A project that wants everything of its own views otherwise: ``python -m tests.rest.odd_project '{...}'``.

The argument is JSON of further REST_FRAMEWORK settings, and of ``user``: a model, or nothing. It prints what
the API answers.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

OWN = "tests.rest.odd_refusal"

#: None of it is to change the API.
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": f"{OWN}.refuse",
    "DEFAULT_METADATA_CLASS": "rest_framework.metadata.SimpleMetadata",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "rest_framework.schemas.openapi.AutoSchema",
    "EXCEPTION_HANDLER": f"{OWN}.exception_handler",
    "NON_FIELD_ERRORS_KEY": "other",
    "PAGE_SIZE": 1,
    "URL_FORMAT_OVERRIDE": "limit",
    "UNICODE_JSON": False,
    "COMPACT_JSON": False,
    "STRICT_JSON": False,
    "ALLOWED_VERSIONS": ["7"],
    "DEFAULT_VERSION": "7",
}


def main(chosen: dict[str, Any]) -> None:
    """Ask the API of such a project."""
    user = chosen.pop("user", "auth.User")
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
            "rest_framework",
            "django_filters",
            "drf_spectacular",
            "drf_spectacular_sidecar",
            "factos_django",
            "tests.rest.members",
        ],
        SECRET_KEY="of a test",
        AUTH_USER_MODEL=user,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        REST_FRAMEWORK=REST_FRAMEWORK | chosen,
        ROOT_URLCONF="tests.rest.odd_urls",
        STATIC_URL="static/",
        ALLOWED_HOSTS=["testserver"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOGGING_CONFIG=None,
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    sys.stdout.write(json.dumps(_answers()))


def _answers() -> dict[str, list[Any]]:
    from django.contrib.auth import get_user_model

    from tests.rest.addresses import addresses
    from tests.rest.clients import ApiClient

    anybody, root = ApiClient(), ApiClient()
    model: Any = get_user_model()
    root.force_login(model.objects.create_superuser(**{model.USERNAME_FIELD: "root@here.example"}))
    answers = {f"anybody {place}": anybody.get(place) for place, taken in addresses() if "GET" in taken}
    answers |= {
        f"anybody {place}": anybody.post(place, b"{}", content_type="application/json")
        for place, taken in addresses()
        if "POST" in taken
    }
    answers |= {
        "list": root.fetch("events/", limit="5"),
        "query": root.send("events/query/", {"query": {"all": True}}),
        "form": root.post("/api/events/query/", {"query": "x"}),
        "wrong": root.send("events/query/", {"query": 1}),
        "options": root.options("/api/events/"),
        "schema": root.fetch("schema/"),
        "docs": root.fetch("docs/"),
    }
    return {name: [each.status_code, each["Content-Type"]] for name, each in answers.items()}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
