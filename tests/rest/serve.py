"""A server of its own process, on the test databases: ``python -m tests.rest.serve wsgi postgres``.

It prints its port. Under WSGI it has a thread for each request, as Django's own server has.
"""

from __future__ import annotations

import sys
from typing import Any

import django
from django.conf import settings


def main(interface: str, using: str) -> None:
    """Serve the tests' project with the log on ``using``, until it is killed."""
    from tests.rest.clients import LogOn

    settings.DATABASE_ROUTERS = [LogOn(using)]
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    _serve_wsgi() if interface == "wsgi" else _serve_asgi()


def _serve_wsgi() -> None:
    from django.core.servers.basehttp import WSGIServer, run
    from django.core.wsgi import get_wsgi_application

    class Server(WSGIServer):
        request_queue_size = 100

    run("127.0.0.1", 0, get_wsgi_application(), threading=True, on_bind=_tell, server_cls=Server)


def _serve_asgi() -> None:
    import asyncio
    import socket

    import uvicorn
    from django.core.asgi import get_asgi_application

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(100)
    _tell(listening.getsockname()[1])
    config = uvicorn.Config(get_asgi_application(), lifespan="off", log_level="warning")
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


def _tell(port: Any) -> None:
    sys.stdout.write(f"port {port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    django.setup()
    main(*sys.argv[1:])
