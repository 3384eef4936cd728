"""One client's connection to a live server: HTTP by the standard library, nothing of ours."""

from __future__ import annotations

import base64
import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Connection"]

#: After so long a server that does not answer counts as stuck (seconds).
_PATIENCE = 60


class Connection:
    """A connection that is kept, with the login of one user."""

    def __init__(self, address: str, user: str, password: str) -> None:
        parts = urlsplit(address)
        self._http = HTTPConnection(str(parts.hostname), parts.port, timeout=_PATIENCE)
        self._path = parts.path
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Return the status and what was answered; a header's name has ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._http.request("POST", self._path + path, json.dumps(body), self._headers | named)
        answer = self._http.getresponse()
        return answer.status, json.loads(answer.read())

    def get(self, path: str) -> Any:
        """Return what is answered with 200 at ``path``."""
        self._http.request("GET", self._path + path, headers=self._headers)
        answer = self._http.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return json.loads(text)

    def close(self) -> None:
        """Give it up."""
        self._http.close()
