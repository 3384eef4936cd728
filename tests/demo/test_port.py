"""The port of the demo: a taken one is told before anything begins."""

from __future__ import annotations

import socket
import subprocess
import sys
from argparse import ArgumentTypeError
from contextlib import contextmanager

import pytest

from demo_project.settings import BASE_DIR
from demo_project.showcase.port import HOST, PortTaken, port_number, refuse_taken


@contextmanager
def listening():
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def asked(port):
    command = [sys.executable, "-m", "demo_project.showcase.port", str(port)]
    return subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)


def test_a_port_that_somebody_serves_at_is_refused_and_then_it_is_free():
    with listening() as port:
        with pytest.raises(PortTaken, match=rf"^Port {port} cannot be used: .*make demo PORT={port + 1}$"):
            refuse_taken(port)
        done = asked(port)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"Port {port} cannot be used: ")
    refuse_taken(port)
    assert asked(port).returncode == 0


def test_the_last_port_is_not_told_to_take_the_next():
    assert "make demo PORT=65534" in str(PortTaken(65535, "taken"))


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "", "٣"])
def test_what_is_no_port_is_told_so(text):
    with pytest.raises(ArgumentTypeError, match="is no port"):
        port_number(text)
    assert port_number("65535") == 65535
