"""Processes are recognized, say when they are ready, and are stopped."""

import os
import socket
import sys
from pathlib import Path

import pytest

from corral.base.errors import CorralError
from corral.base.listening import bind, inherited
from corral.base.processes import Process, start

READY = "from corral.base.processes import say_ready; import time; say_ready(); time.sleep(60)"


def test_a_process_that_says_so_is_ready(tmp_path: Path) -> None:
    starting = start([sys.executable, "-c", READY], tmp_path / "log")
    try:
        assert starting.wait_ready(20)
        assert starting.process.alive()
    finally:
        assert starting.process.stop(5)
    assert not starting.process.alive()


def test_a_process_that_dies_is_not_ready_and_leaves_its_words_in_the_log(tmp_path: Path) -> None:
    starting = start([sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"], tmp_path / "log")
    assert not starting.wait_ready(20)
    assert "no such luck" in (tmp_path / "log").read_text()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + READY
    starting = start([sys.executable, "-c", program], tmp_path / "log")
    assert starting.wait_ready(20)
    assert not starting.process.stop(0.05)
    assert not starting.process.alive()


def test_a_recycled_pid_is_not_taken_for_the_process(tmp_path: Path) -> None:
    Process(os.getpid(), 1).save(tmp_path / "pid")
    assert Process.load(tmp_path / "pid") is None


def test_a_saved_process_is_found_again(tmp_path: Path) -> None:
    starting = start([sys.executable, "-c", READY], tmp_path / "log")
    try:
        starting.process.save(tmp_path / "pid")
        assert Process.load(tmp_path / "pid") == starting.process
    finally:
        starting.process.stop(5)


LISTENER = """
from corral.base.listening import inherited
from corral.base.processes import say_ready
listener = inherited()
assert inherited() is None and not listener.get_inheritable()
say_ready()
listener.accept()[0].sendall(b"hello")
"""


def test_a_process_listens_where_it_is_told_to_from_its_start(tmp_path: Path) -> None:
    with bind("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        starting = start([sys.executable, "-c", LISTENER], tmp_path / "log", listener=listener)
    try:
        # The process has it alone now; who comes before it listens is answered when it does.
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert starting.wait_ready(20)
            assert client.recv(5) == b"hello"
    finally:
        starting.process.stop(5)


def test_a_process_that_was_given_no_socket_has_none() -> None:
    assert inherited() is None


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(CorralError, match="Address already in use"):
        bind("127.0.0.1", other.getsockname()[1])
