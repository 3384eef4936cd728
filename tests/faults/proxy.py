"""A TCP proxy that cuts a connection at the moment when it hurts."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from select import select

__all__ = ["Proxy", "proxy_to"]


class Proxy:
    """Forwards what clients send to a server, until one sends the words for which it waits."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.words: bytes | None = None
        self.executed = False
        self.stays_away = False
        self.cuts = 0

    def cut_at(self, words: bytes, *, executed: bool, stays_away: bool = False) -> None:
        """Cut the next connection whose client sends ``words``.

        Args:
            words: A pattern of what the client sends.
            executed: The server gets it and answers, and only the answer is lost. Otherwise the server
                never gets it.
            stays_away: Whoever connects after that is refused, until ``come_back``.
        """
        self.words, self.executed, self.stays_away = words, executed, stays_away

    def come_back(self) -> None:
        """Take connections again."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        with suppress(OSError):  # it has stopped
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _forward(self, client: socket.socket) -> None:
        with closing(client), closing(socket.create_connection(self.server)) as server, suppress(OSError):
            ends = {client.fileno(): (client, server), server.fileno(): (server, client)}
            while all(self._passed(*ends[ready], client) for ready in select(ends, [], [])[0]):
                pass

    def _passed(self, source: socket.socket, target: socket.socket, client: socket.socket) -> bool:
        """Pass on what came; False when the connection is over."""
        data = source.recv(65536)
        if source is client and self.words is not None and re.search(self.words, data):
            self.words, self.cuts = None, self.cuts + 1
            if self.executed:
                target.sendall(data)
                target.recv(65536)
            if self.stays_away:
                self.stop()
            return False
        target.sendall(data)
        return bool(data)


@contextmanager
def proxy_to(host: str, port: int) -> Iterator[Proxy]:
    """Serve as a proxy to this server, on a thread of its own."""
    proxy = Proxy((host, port))
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.stop()
