"""Rows of keyed projections: what their columns hold, and how they are read and written."""

from factos_django.projections.rows.choice import table_of
from factos_django.projections.rows.shape import Key, Row, Shape, state_class_of
from factos_django.projections.rows.table import Table

__all__ = ["Key", "Row", "Shape", "Table", "state_class_of", "table_of"]
