"""Python in the project of a page: lines of JSON come in, and what each of them prints goes out.

``{"run": code}`` runs the code after what came before, ``{"type": text}`` types it into a Python shell, as
doctest does, and answers with what differs from what the text says is printed.
"""

from __future__ import annotations

import doctest
import io
import json
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import django

__all__: list[str] = []


def run(code: str, names: dict[str, Any]) -> None:
    """Run it as if it stood in a file."""
    exec(compile(code, "the page", "exec"), names)


def type_in(text: str, names: dict[str, Any]) -> None:
    """Type it in, and print where the answers are not those of the text."""
    test = doctest.DocTestParser().get_doctest(text, names, "the page", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(test, clear_globs=False)
    names.update(test.globs)


DOES: dict[str, Callable[[str, dict[str, Any]], None]] = {"run": run, "type": type_in}


def main() -> None:
    """Answer until nothing more comes."""
    django.setup()
    names: dict[str, Any] = {"__name__": "__main__"}
    for line in sys.stdin:
        ((what, text),) = json.loads(line).items()
        printed, error = io.StringIO(), ""
        with redirect_stdout(printed):
            try:
                DOES[what](text, names)
            except Exception:
                error = traceback.format_exc()
        sys.stdout.write(json.dumps({"printed": printed.getvalue(), "error": error}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
