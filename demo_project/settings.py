"""The demo's settings; what differs from machine to machine comes from the environment.

DATABASE_URL (without it: SQLite in db.sqlite3), DEBUG, ALLOWED_HOSTS, SECRET_KEY, CELERY_BROKER_URL (without
it: files), and every FACTOS_* setting, as JSON (FACTOS_MAX_TAGS=32, FACTOS_GUARD=log).
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zlib import crc32

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DEBUG", "1").lower() in {"1", "true", "yes", "on"}
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
SECRET_KEY = os.environ.get("SECRET_KEY", "django-insecure-for-the-demo-only")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "factos_django",
    "demo_project.ticketing",
    "demo_project.registration",
    "demo_project.banking",
    "demo_project.billing",
    "demo_project.showcase",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "factos_django.middleware.StampMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"money": "demo_project.money"},
        },
    }
]
ROOT_URLCONF = "demo_project.urls"
WSGI_APPLICATION = "demo_project.wsgi.application"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "demo_project" / "static"]  # of the frame around the pages, which is no app's
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# On SQLite a transaction takes the write lock before its first read (IMMEDIATE), and readers do not wait
# for the writer (WAL).
DATABASE_OPTIONS: dict[str, dict[str, Any]] = {
    "django.db.backends.sqlite3": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    "django.db.backends.mysql": {"charset": "utf8mb4"},
}


def database(url: str) -> dict[str, Any]:
    """The database at this URL, with the options that its engine needs."""
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    config["OPTIONS"] = DATABASE_OPTIONS.get(config["ENGINE"], {}) | config.get("OPTIONS", {})
    return config


DATABASES = {
    "default": database(os.environ.get("DATABASE_URL") or f"sqlite:///{quote(str(BASE_DIR / 'db.sqlite3'))}")
}


def messages_folder(config: dict[str, Any]) -> Path:
    """The folder of messages that are files, and of workers' logs: beside SQLite's file, named after it."""
    is_file = config["ENGINE"] == "django.db.backends.sqlite3" and config["NAME"] != ":memory:"
    return Path(f"{config['NAME'] if is_file else BASE_DIR / 'db.sqlite3'}.messages")


def transport_options(url: str, folder: Path) -> dict[str, Any]:
    """What the broker at this URL is to be told; none of it is needed for anything to be delivered."""
    match url.partition(":")[0]:
        case "filesystem":
            data, control = str(folder / "data"), str(folder / "control")
            folders = {"data_folder_in": data, "data_folder_out": data, "control_folder": control}
            return {**folders, "polling_interval": 0.1}
        case "redis" | "rediss":
            return {"visibility_timeout": 3600}
        case "amqp" | "amqps" | "pyamqp":
            return {"confirm_publish": True}
        case _:
            return {}


# Without a broker messages are files, so the demo needs no server.
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or "filesystem://"
MESSAGES_FOLDER = messages_folder(DATABASES["default"])
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(CELERY_BROKER_URL, MESSAGES_FOLDER)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A message names a row, so each database has a queue of its own.
CELERY_TASK_DEFAULT_QUEUE = f"factos-demo-{crc32(str(DATABASES['default']['NAME']).encode()):08x}"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False

# Session and basic are REST framework's own default; said here, so that whoever adds another one sees them.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
# The pages follow the log without a login. The check that warns of it (W017) is right, and here it is meant:
# the demo holds nothing that is private. A project of your own should go on to be warned.
FACTOS_API_PERMISSIONS = "demo_project.permissions.OpenToReaders"
SILENCED_SYSTEM_CHECKS = ["factos.W017"]
SPECTACULAR_SETTINGS = {
    "TITLE": "Factos demo",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}


def parsed(text: str) -> Any:
    """The JSON value of the text, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


globals().update(
    (name, parsed(text))
    for name, text in os.environ.items()
    if name.startswith("FACTOS_") and not name.startswith("FACTOS_TEST_")  # those are for tests/settings.py
)
