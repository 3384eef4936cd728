"""Mutants of the REST API: what is easily made wrong between a client and the store, and what finds it."""

from __future__ import annotations

from tests.mutants.mutant import Edit, Mutant

__all__ = ["REST"]

_APPEND = "rest_framework/surfaces/append.py"
_SIXTEEN = "rest/test_dcb.py::test_sixteen_clients_find_nothing_wrong[postgres-tags]"

REST: tuple[Mutant, ...] = (
    Mutant(
        "condition that the API drops",
        "postgres-tags",
        (Edit(_APPEND, "            condition=condition,\n", ""),),
        test=_SIXTEEN,
    ),
    Mutant(
        "idempotency key that the API drops",
        "postgres-tags",
        (
            Edit(
                _APPEND,
                "            idempotency_key=request.headers.get(IDEMPOTENCY_HEADER),\n",
                "",
            ),
        ),
        test=_SIXTEEN,
    ),
    Mutant(
        "condition that the API reads without its position",
        "postgres-tags",
        (Edit(_APPEND, "AppendCondition(query, after=body.after)", "AppendCondition(query)"),),
        test=_SIXTEEN,
    ),
)
