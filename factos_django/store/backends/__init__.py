"""The statements of an append, for PostgreSQL and for the others, behind one contract."""

from factos_django.store.backends.choice import backend_for
from factos_django.store.backends.contract import Backend, Done, Outcome

__all__ = ["Backend", "Done", "Outcome", "backend_for"]
