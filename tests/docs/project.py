"""The project of a page: its blocks are files of it, commands in it, or typed into its shell."""

from __future__ import annotations

import configparser
import json
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from demo_project.settings import BASE_DIR
from tests.docs.accounted import NOT_READ, NOT_RUN, UNTIL_SEEN
from tests.docs.pages import Block
from tests.docs.printed import is_as_told
from tests.docs.terminal import Terminal

__all__ = ["SERVE", "SHELL", "PageProject", "commands_of"]

ANYWHERE = "# anywhere in your project\n"

#: The command after which what is typed into Python follows.
SHELL = "python manage.py shell"

#: The command after which pages are asked for; it goes on until the page ends, on a port that is free.
SERVE = "python manage.py runserver"

_PROMPT = "$ "
_PATIENCE_SECONDS = 60

#: How the other languages are read: whatever they hold has to be well formed.
READ: dict[str, Callable[[str], object]] = {
    "ini": lambda text: configparser.ConfigParser(strict=False, interpolation=None).read_string(text),
    "toml": tomllib.loads,
    "json": json.loads,
    "yaml": yaml.safe_load,
}


def commands_of(block: Block) -> list[tuple[str, list[str]]]:
    """Each command of a terminal, and the lines that it is said to print."""
    parts = re.split(rf"^{re.escape(_PROMPT)}", block.text, flags=re.MULTILINE)
    assert not parts[0], f"{block}: it begins with a command"
    found = []
    for part in parts[1:]:
        command = re.match(r"(?:.*\\\n)*.*\n", part)
        assert command
        found.append((re.sub(r"\s+# .*$", "", command[0].strip()), part[command.end() :].splitlines()))
    return found


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class PageProject:
    """Follows a page in a directory."""

    def __init__(self, page: str, directory: Path) -> None:
        self._page = page
        self._environment = {
            "PATH": f".:{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": str(BASE_DIR),
            "HOME": str(directory),
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",  # as at a terminal, lines come in their order
        }
        self._terminal = Terminal(directory, self._environment)
        self._interpreter: subprocess.Popen[str] | None = None
        self._typed = ""
        self._server: subprocess.Popen[str] | None = None
        self._port = 0

    @property
    def _directory(self) -> Path:
        return self._terminal.directory

    def follow(self, blocks: list[Block]) -> None:
        """Do what each block says."""
        for block in blocks:
            if block.language != "pycon":
                self._type_in()
            if block.path:
                self.write(block)
            else:
                self._do(block)
        self._type_in()

    def _do(self, block: Block) -> None:
        match block.language:
            case "python":
                assert block.text.startswith(ANYWHERE), f"{block}: it does not say where it belongs"
                printed = self._ask({"run": "\n" * block.line + block.code})
                told = [line[2:] for line in block.code.splitlines() if line.startswith("# ")]
                assert is_as_told(told, printed), f"{block} prints\n{printed}"
            case "console":
                commands = commands_of(block)
                for number, (command, told) in enumerate(commands):
                    shows_status = commands[number + 1 : number + 2] and commands[number + 1][0] == "echo $?"
                    self._run(block, command, told, may_fail=bool(shows_status))
            case "pycon":
                self._typed += f"{block.text}\n"
            case language if language in READ:
                READ[language](block.text)
            case language:
                named = (self._page, block.text.partition("\n")[0]) in NOT_READ
                assert named, f"{block}: nobody knows what to do with {language!r}"

    def write(self, block: Block) -> None:
        """Add the block to the end of its file."""
        assert block.path
        path = self._directory / ("mysite/settings.py" if block.path == "settings.py" else block.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if block.language in READ:
            READ[block.language](block.text)
        with path.open("w" if block.replaces else "a", encoding="utf-8") as file:
            file.write(block.text if block.language != "python" else f"\n{block.code}")
        self._end_interpreter()

    def _run(self, block: Block, command: str, told: list[str], *, may_fail: bool) -> None:
        if (self._page, command) in NOT_RUN or command == SHELL:
            return
        if command == SERVE:
            self._serve()
            return
        if (self._page, command) in UNTIL_SEEN:
            self._run_until_seen(block, command, told)
            return
        status, printed = self._terminal.run(command.replace(":8000", f":{self._port}"))
        assert status == 0 or may_fail, f"{block}: {command} ends with {status}\n{printed}"
        assert not told or is_as_told(told, printed), f"{block}: {command} prints\n{printed}"

    def _serve(self) -> None:
        """Serve on a port that is free, which stands for 8000 from here on."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        command = [sys.executable, "manage.py", "runserver", "--noreload", str(self._port)]
        self._server = subprocess.Popen(
            command,
            cwd=self._directory,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        end = time.monotonic() + _PATIENCE_SECONDS
        while not answers(self._port):
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)

    def _run_until_seen(self, block: Block, command: str, told: list[str]) -> None:
        """Wait until it has printed what the page says, and press Ctrl-C."""
        log = self._directory / "until-seen.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            end = time.monotonic() + _PATIENCE_SECONDS
            while not is_as_told([*told, "..."], log.read_text()):
                assert process.poll() is None, f"{block}: {command} ended\n{log.read_text()}"
                assert time.monotonic() < end, f"{block}: {command} prints\n{log.read_text()}"
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            log.unlink()

    def _type_in(self) -> None:
        """Type what was gathered into a shell of its own."""
        if self._typed:
            self._end_interpreter()
            printed = self._ask({"type": self._typed})
            assert not printed, printed
            self._end_interpreter()
            self._typed = ""

    def _ask(self, what: dict[str, str]) -> str:
        if self._interpreter is None:
            self._interpreter = self._start_interpreter()
        assert self._interpreter.stdin
        assert self._interpreter.stdout
        self._interpreter.stdin.write(json.dumps(what) + "\n")
        self._interpreter.stdin.flush()
        answer: dict[str, Any] = json.loads(self._interpreter.stdout.readline() or '{"error": "it ended"}')
        assert not answer["error"], answer["error"]
        return str(answer["printed"])

    def _start_interpreter(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.docs.interpreter"],
            cwd=self._directory,
            env=self._environment | {"DJANGO_SETTINGS_MODULE": "mysite.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _end_interpreter(self) -> None:
        if self._interpreter is None:
            return
        assert self._interpreter.stdin
        assert self._interpreter.stdout
        self._interpreter.stdin.close()
        self._interpreter.wait(timeout=30)
        self._interpreter.stdout.close()
        self._interpreter = None

    def close(self) -> None:
        """Leave no process behind."""
        self._end_interpreter()
        self._terminal.close()
        if self._server:
            self._server.terminate()
            self._server.wait(timeout=30)
