"""Somebody who does what a page says, block after block, and looks whether it prints what the page says.

A block of ``sh`` is run line by line, a block of ``text`` is all that the last line printed. A block of
Python begins with where it belongs. That is a file, to whose end it is added, or ``python manage.py shell``:
it is typed there, and what the shell prints are the comments in it.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

from tests.packaging.commands import environment, run

__all__ = ["Newcomer", "blocks_of"]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PLACE = re.compile(r"# (python manage\.py shell|[\w/]+\.py)\b.*\n")
_PROMPT = ">>> "
_END_OF_INPUT = b"\x04"


def blocks_of(page: str) -> list[tuple[str, str]]:
    """The language and the text of each block."""
    return _BLOCK.findall(page)


@dataclass
class Newcomer:
    """Who sits in this directory, with the programs of this virtual environment first on the path."""

    directory: Path
    programs: Path
    #: What stands for the names of an index, where none is reached.
    instead: dict[str, str] = field(default_factory=dict)
    printed: str = ""

    def follow(self, blocks: list[tuple[str, str]]) -> None:
        """Do what each block says."""
        for language, text in blocks:
            match language:
                case "sh":
                    self._run_lines(text)
                case "text":
                    assert self.printed == text
                case "python":
                    self._place(text)
                case _:
                    raise AssertionError(f"Nobody knows what to do with a block of {language!r}.")

    def _run_lines(self, text: str) -> None:
        for line in text.splitlines():
            words = [self.instead.get(word, word) for word in shlex.split(line)]
            done = run(words, self.directory, **self._variables)
            assert done.returncode == 0, f"{line}\n{done.stdout}"
            self.printed = done.stdout

    def _place(self, text: str) -> None:
        place = _PLACE.match(text)
        assert place, f"It does not say where it belongs:\n{text}"
        if place[1].startswith("python "):
            self._type(place[1], text[place.end() :])
        else:
            with (self.directory / place[1]).open("a", encoding="utf-8") as file:
                file.write(text)

    def _type(self, command: str, text: str) -> None:
        expected = list(_answers(text))
        given = self._answers_of(shlex.split(command), [line for line, _ in expected])
        for (line, promised), printed in zip(expected, given, strict=True):
            same = OutputChecker().check_output(promised, printed, ELLIPSIS)
            assert same, f"{line}\nprints\n{printed}\nand not\n{promised}"

    def _answers_of(self, command: list[str], lines: list[str]) -> list[str]:
        """What is printed after each line. They are typed: what is piped into the shell is a script."""
        keyboard, terminal = pty.openpty()
        os.write(keyboard, "".join(f"{line}\n" for line in lines).encode() + _END_OF_INPUT)
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=environment(**self._variables),
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        os.close(terminal)
        os.close(keyboard)
        assert done.returncode == 0, done.stdout
        _greeting, *answers, _farewell = done.stdout.split(_PROMPT)
        return answers

    @property
    def _variables(self) -> dict[str, str]:
        path = f"{self.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {"PATH": path, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}


def _answers(text: str) -> Iterator[tuple[str, str]]:
    """Each line that is typed, and the comment below it, which is what is printed; without one, nothing."""
    for typed, comments in re.findall(r"^(?!#)(.+)\n((?:# ?.*\n)*)", text, re.MULTILINE):
        yield typed, re.sub(r"^# ?", "", comments, flags=re.MULTILINE)
