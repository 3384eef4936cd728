"""Projections: tables that facts are folded into, kept up to date, checked and computed again."""

from factos_django.projections.catching_up import CaughtUp, Standing, catch_up
from factos_django.projections.declaration import projection, projection_handler
from factos_django.projections.waiting import wait_for

__all__ = ["CaughtUp", "Standing", "catch_up", "projection", "projection_handler", "wait_for"]
