"""The API on a live server."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.children import Child, child
from tests.stores import Store

__all__ = ["live_server"]


@contextmanager
def live_server(store: Store, interface: str = "wsgi", **settings: Any) -> Iterator[tuple[str, Child]]:
    """Yield the address of ``/api/`` on a server with the log on ``store``, and its process.

    Users and what they may do are in the database ``default``, and committed: the tests that use it are
    transactional. Basic authentication needs a password (``User.objects.create_superuser(password=...)``).
    """
    guard = {store.using: store.guard}
    command = (sys.executable, "-m", "tests.rest.serve", interface, store.using)
    with child(*command, **{"FACTOS_GUARD": guard, **settings}) as server:
        server.says("port ")
        server.says("\n")
        found = re.search(r"port (\d+)", server.output)
        assert found is not None
        try:
            yield f"http://127.0.0.1:{found[1]}/api/", server
        except BaseException:
            sys.stdout.write(f"The server said:\n{server.output[-5000:]}\n")  # pytest shows it
            raise
