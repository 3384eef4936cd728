"""Rows of projections over HTTP: their values, the filters of a table, and paging by its key."""

from factos_django.rest_framework.projected_rows.filters import filters_of
from factos_django.rest_framework.projected_rows.paging import Keyset, keyset_of
from factos_django.rest_framework.projected_rows.values import row_json

__all__ = ["Keyset", "filters_of", "keyset_of", "row_json"]
