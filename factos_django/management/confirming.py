"""Asking the person at the terminal."""

from __future__ import annotations

import sys

from django.core.management.base import CommandError

from factos_django.management.exit_codes import REFUSED, USAGE

__all__ = ["confirm"]


def confirm(question: str) -> None:
    """Return if the person at the terminal says yes.

    Raises:
        CommandError: He does not (exit code 1), or there is no terminal to ask at (2).
    """
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Without a terminal to ask at, say --no-input.", returncode=USAGE)
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was done.", returncode=REFUSED)
