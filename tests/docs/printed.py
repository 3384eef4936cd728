"""What a page says is printed, beside what was."""

from __future__ import annotations

import re

__all__ = ["is_as_told"]


def is_as_told(told: list[str], printed: str) -> bool:
    """Tell whether it was printed; ``...`` stands for anything of a line, or for any lines if it is alone."""
    pattern = "".join("(?:.*\n)*?" if line.strip() == "..." else _line(line) for line in told)
    return re.fullmatch(pattern, _stripped(printed)) is not None


def _line(line: str) -> str:
    return r"[^\n]*?".join(re.escape(part) for part in line.rstrip().split("...")) + "\n"


def _stripped(printed: str) -> str:
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)
