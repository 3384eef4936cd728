"""How commands end, for scripts: 0 is done."""

from __future__ import annotations

__all__ = ["BEHIND", "INTERRUPTED", "REFUSED", "USAGE"]

#: Refused, or found to be different; wrongly called; stopped or behind; Ctrl-C.
REFUSED, USAGE, BEHIND, INTERRUPTED = 1, 2, 3, 130
