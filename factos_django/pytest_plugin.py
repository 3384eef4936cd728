"""Fixtures for pytest, by its entry point: what ``factos_django.testing`` has for tests with a database.

A test that uses them asks for the database as it would anyway, by ``django_db``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["deliver_effects", "pending_effects", "run_projections"]

# pytest imports this module in every project of its environment, before there are settings, and where there
# never are any: so the fixtures alone import what needs Django.


@pytest.fixture
def run_projections() -> Callable[..., Any]:
    """Give ``factos_django.testing.run_projections``."""
    from factos_django import testing

    return testing.run_projections


@pytest.fixture
def deliver_effects() -> Callable[..., Any]:
    """Give ``factos_django.testing.deliver_effects``."""
    from factos_django import testing

    return testing.deliver_effects


@pytest.fixture
def pending_effects() -> Callable[..., Any]:
    """Give ``factos_django.testing.pending_effects``."""
    from factos_django import testing

    return testing.pending_effects
