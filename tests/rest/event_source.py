"""A client of server-sent events, which does what HTML's standard says of a browser's EventSource."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.faults.actors import PATIENCE

__all__ = ["LOGIN", "EventSource", "Message"]

#: Of ``User.objects.create_superuser("root", password="secret")``.
LOGIN = {"Authorization": f"Basic {base64.b64encode(b'root:secret').decode()}"}


@dataclass(frozen=True)
class Message:
    """What a browser dispatches."""

    event: str
    data: str
    last_event_id: str

    @property
    def fact(self) -> Any:
        return json.loads(self.data)


class EventSource:
    """It connects again from where it was; what it was sent is in ``lines``."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url, self.headers = url, headers
        self.last_event_id = ""
        self.reconnection_time = -1
        self.connections = 0
        self.lines: list[str] = []
        self._connection: http.client.HTTPConnection | None = None

    def one_connection(self) -> Generator[Message, None, None]:
        """Yield what comes until the server ends the answer."""
        answer = self.open()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream"), answer.read()
        try:
            yield from self._dispatched(line.decode() for line in iter(answer.readline, b""))
        finally:
            answer.close()
            self.close()

    def open(self) -> http.client.HTTPResponse:
        """Connect; return the answer."""
        self.connections += 1
        parts = urlsplit(self.url)
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
        resumed = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        headers = {"Accept": "text/event-stream", **LOGIN, **self.headers, **resumed}
        self._connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        return self._connection.getresponse()

    def close(self) -> None:
        """Go away."""
        if self._connection is not None:
            self._connection.close()

    def _dispatched(self, lines: Iterable[str]) -> Iterator[Message]:
        data: list[str] = []
        event, last = "", self.last_event_id
        for line in lines:
            self.lines.append(line)
            name, _, value = line.rstrip("\n").partition(":")
            value = value.removeprefix(" ")
            if line == "\n":
                self.last_event_id = last
                if data:
                    yield Message(event or "message", "\n".join(data), last)
                data, event = [], ""
            elif name == "data":
                data.append(value)
            elif name == "event":
                event = value
            elif name == "id" and "\0" not in value:
                last = value
            elif name == "retry" and value.isdigit():
                self.reconnection_time = int(value)
