"""Computing projections again from their facts, and checking that their rows are right."""

from factos_django.projections.rebuilding.computed import Computed
from factos_django.projections.rebuilding.computing import check, rebuild

__all__ = ["Computed", "check", "rebuild"]
