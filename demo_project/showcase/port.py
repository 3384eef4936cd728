"""The port that the demo is served at: ``python -m demo_project.showcase.port 8000`` fails if it is taken."""

from __future__ import annotations

import socket
import sys
from argparse import ArgumentParser, ArgumentTypeError

__all__ = ["HOST", "PortTaken", "port_number", "refuse_taken"]

#: Of this machine alone: whoever reaches the demo may log in.
HOST = "127.0.0.1"


class PortTaken(Exception):
    """Nothing can be served there."""

    def __init__(self, port: int, reason: str) -> None:
        other = port + 1 if port < 65535 else port - 1
        super().__init__(f"Port {port} cannot be used: {reason}. Choose another: make demo PORT={other}")


def port_number(text: str) -> int:
    """Return the number of a port."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise ArgumentTypeError(f"{text!r} is no port: a number from 1 to 65535")
    return int(text)


def refuse_taken(port: int) -> None:
    """Raise PortTaken if a server cannot listen at ``port``."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise PortTaken(port, str(error.strerror)) from error


def main() -> str | None:
    """Return what is wrong with the port that the command line names."""
    parser = ArgumentParser(prog="port", description="Fails if a port is taken.")
    parser.add_argument("port", type=port_number)
    try:
        refuse_taken(parser.parse_args().port)
    except PortTaken as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
