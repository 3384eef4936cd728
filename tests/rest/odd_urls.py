"""The addresses of tests.rest.odd_project, and what it does otherwise in its own views."""

from __future__ import annotations

from typing import Any

from django.urls import include, path

__all__ = ["exception_handler", "refuse", "urlpatterns"]


def refuse(*_: Any) -> Any:
    raise AssertionError("what the project says is for the project's views")


exception_handler = refuse

urlpatterns = [path("api/", include("factos_django.rest_framework.urls"))]
