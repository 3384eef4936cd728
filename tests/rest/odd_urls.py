"""The addresses of tests.rest.odd_project."""

from __future__ import annotations

from django.urls import include, path

__all__ = ["urlpatterns"]

urlpatterns = [path("api/", include("factos_django.rest_framework.urls"))]
