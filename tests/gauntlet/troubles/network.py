"""A network that cuts, delays and swallows what goes through it: a TCP proxy before a server."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from select import select

__all__ = ["RoughNetwork", "rough_network"]

#: For how long a connection is silent before it is cut (seconds).
_SILENCE = 1.5
#: What becomes of a message of a client while the network is rough, by weight.
_FATES = {
    "passed": 80.0,
    "delayed": 14,
    "cut before it": 2,
    "cut behind it": 2,
    "swallowed": 2,
}


class RoughNetwork:
    """Forwards connections to a server; while it is rough, it does harm to some. ``harm`` counts it."""

    def __init__(self, server: tuple[str, int], seed: int) -> None:
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.harm: Counter[str] = Counter()
        self._dice = random.Random(f"{seed} network")
        self._lock = threading.Lock()
        self._rough = threading.Event()
        self._silent = 0

    def be_rough(self, seconds: float) -> None:
        """Do harm for so long; return when the last connection that was swallowed has been cut."""
        self._rough.set()
        time.sleep(seconds)
        self._rough.clear()
        while self._silent:
            time.sleep(0.01)

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with _cut(client), suppress(OSError), _cut(socket.create_connection(self.server)) as server:
            while True:
                ready, _, _ = select([client, server], [], [])
                if server in ready and not _passed(server, client):
                    return
                if client in ready and not self._fated(client, server):
                    return

    def _fated(self, client: socket.socket, server: socket.socket) -> bool:
        """Do with a message of the client what the dice say; False when the connection is over."""
        fate = self._drawn()
        if fate == "delayed":
            time.sleep(self._dice.uniform(0, 0.05))
        elif fate == "cut behind it":
            _passed(client, server)
            server.settimeout(_SILENCE)  # the answer is lost
            server.recv(65536)
        elif fate == "swallowed":
            self._be_silent()
        return fate in ("passed", "delayed") and _passed(client, server)

    def _drawn(self) -> str:
        if not self._rough.is_set():
            return "passed"
        with self._lock:
            (fate,) = self._dice.choices([*_FATES], [*_FATES.values()])
            self.harm[fate] += fate != "passed"
        return fate

    def _be_silent(self) -> None:
        with self._lock:
            self._silent += 1
        time.sleep(_SILENCE)
        with self._lock:
            self._silent -= 1


@contextmanager
def _cut(connection: socket.socket) -> Iterator[socket.socket]:
    """Cut it in the end, also where a process that was forked meanwhile has a copy of it."""
    with closing(connection):
        try:
            yield connection
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _passed(source: socket.socket, target: socket.socket) -> bool:
    """Pass on what came; False when the connection is over."""
    data = source.recv(65536)
    target.sendall(data)
    return bool(data)


@contextmanager
def rough_network(host: str, port: int, seed: int) -> Iterator[RoughNetwork]:
    """Serve as a network to this server, on threads."""
    network = RoughNetwork((host, port), seed)
    threading.Thread(target=network.serve, daemon=True).start()
    try:
        yield network
    finally:
        with suppress(OSError):
            network.listener.shutdown(socket.SHUT_RDWR)
        network.listener.close()
