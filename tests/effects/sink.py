"""The sink: a process of its own that writes down what handlers tell it, in the order in which it came.

``python tests/effects/sink.py FILE`` appends each POST to FILE as a line, before it answers; it prints its
port. It knows nothing of Django, and the app under test reaches it by HTTP alone.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["Sink", "Told", "sink"]

_ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Told:
    """What a handler told: that an attempt began, or that it did its work."""

    what: str
    name: str
    parcel: str
    key: str
    attempt: int
    position: int
    pid: int


@dataclass(frozen=True)
class Sink:
    """A sink that runs."""

    url: str
    file: Path

    @property
    def told(self) -> list[Told]:
        """What it was told so far, in the order in which it came."""
        *whole, _unfinished = self.file.read_text().split("\n")
        return [Told(**json.loads(line)) for line in whole]


@contextmanager
def sink(directory: Path) -> Iterator[Sink]:
    """Run a sink, which is not left behind."""
    file = directory / "sink.jsonl"
    file.touch()
    process = subprocess.Popen([sys.executable, __file__, str(file)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Sink(f"http://127.0.0.1:{int(process.stdout.readline())}/", file)
        assert process.poll() is None, "the sink died, and judges nothing"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def _serve(path: str) -> None:
    with Path(path).open("ab", buffering=0) as file:
        server = await asyncio.start_server(lambda r, w: _take(r, w, file), "127.0.0.1", 0)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, file: IO[bytes]) -> None:
    """Write one POST down. Whoever dies in the midst of it has told nothing."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
        length = next(int(value) for name, _, value in lines if name == b"content-length")
        file.write(await reader.readexactly(length) + b"\n")
        writer.write(_ANSWER)
        await writer.drain()
    except (OSError, EOFError):
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
