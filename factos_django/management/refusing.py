"""How a command ends when it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import Error

from factos_django.core.errors import FactosError
from factos_django.management.exit_codes import INTERRUPTED, REFUSED, USAGE

__all__ = ["refusing"]


@contextmanager
def refusing(using: str, *, usage: tuple[type[FactosError], ...] = ()) -> Iterator[None]:
    """Raise CommandError for the errors of the block: with exit code 2 for those of ``usage``, else 1."""
    try:
        yield
    except FactosError as error:
        code = USAGE if isinstance(error, usage) else REFUSED
        raise CommandError(str(error), returncode=code) from error
    except Error as error:
        advice = f"Is {using} there, and migrated (manage.py migrate --database {using})?"
        raise CommandError(f"{error}\n{advice}", returncode=REFUSED) from error
    except KeyboardInterrupt:
        raise CommandError("Interrupted: what was done is kept.", returncode=INTERRUPTED) from None
