"""The groups of rows, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks.admin.rows import rows_of_admin
from tests.benchmarks.appends import rows_of_appends
from tests.benchmarks.bench import Scale
from tests.benchmarks.effects import rows_of_effects
from tests.benchmarks.logs import rows_of_logs
from tests.benchmarks.projections import rows_of_projections
from tests.benchmarks.rest.rows import rows_of_rest
from tests.benchmarks.rows import Row

__all__ = ["GROUPS"]

GROUPS: dict[str, Callable[[Scale], list[Row]]] = {
    "appends": rows_of_appends,
    "log": rows_of_logs,
    "projections": rows_of_projections,
    "effects": rows_of_effects,
    "rest": rows_of_rest,
    "admin": rows_of_admin,
}
