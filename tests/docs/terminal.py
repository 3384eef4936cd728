"""A terminal: commands go to one shell, which remembers where it is and what was exported."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import uuid4

__all__ = ["Terminal"]


class Terminal:
    """One bash in a directory; what a command reads is empty, and what it prints is kept."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        #: Where it is, which `cd` changes.
        self.directory = directory
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> tuple[int, str]:
        """The exit code of the command, and what it printed."""
        assert self._shell.stdin
        assert self._shell.stdout
        end = f"end-{uuid4().hex}"
        said = f"{{ {command}\n}} </dev/null; status=$?; echo; echo {end} $status $PWD; (exit $status)\n"
        self._shell.stdin.write(said)
        self._shell.stdin.flush()
        printed: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(end):
                _, status, where = line.rstrip("\n").split(" ", 2)
                self.directory = Path(where)
                return int(status), "".join(printed).removesuffix("\n")
            printed.append(line)
        raise AssertionError(f"The shell ended at {command!r}:\n{''.join(printed)}")

    def close(self) -> None:
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.close()
        self._shell.wait(timeout=30)
        self._shell.stdout.close()
