"""Starting, ending, and what is left behind: nothing."""

from __future__ import annotations

import gc
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox

from .api import Api

if TYPE_CHECKING:
    from collections.abc import Iterator


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "tesote" in thread.name]


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    gc.collect()
    before = descriptors()
    yield
    gc.collect()
    assert threads() == []
    assert descriptors() == before


def address(sandbox: Sandbox) -> tuple[str, int]:
    host, port = sandbox.url[len("http://") : -len("/api")].split(":")
    return host, int(port)


def until(condition: object) -> None:
    """Waits for what another thread is about to do."""
    deadline = time.monotonic() + 5
    while not (condition() if callable(condition) else condition):
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_it_serves_from_its_making_until_it_is_closed() -> None:
    sandbox = Sandbox(accounts=1)
    with Api(sandbox) as api:
        assert api.get("/v2/status").status == 200
    sandbox.close()
    sandbox.close()
    with pytest.raises(OSError, match="refused"), Api(sandbox) as api:
        api.get("/v2/status")


def test_it_is_only_reachable_from_this_machine() -> None:
    with Sandbox(accounts=1) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_an_error_that_leaves_nothing() -> None:
    with Sandbox(accounts=1) as sandbox:
        port = address(sandbox)[1]
        with pytest.raises(OSError, match="in use"):
            Sandbox(accounts=1, port=port)


def test_a_port_can_be_used_again_at_once() -> None:
    with Sandbox(accounts=1) as first, Api(first) as api:
        port = address(first)[1]
        api.get("/v2/status")
    with Sandbox(accounts=1, port=port) as second, Api(second) as api:
        assert api.get("/v2/status").status == 200


def test_two_sandboxes_know_nothing_of_each_other() -> None:
    with Sandbox(accounts=1, seed=1) as one, Sandbox(accounts=2, seed=2) as two:
        one.fail(500)
        with Api(two) as api:
            assert len(api.get("/v2/accounts").json["accounts"]) == 2
        with Api(two, key=one.api_key) as api:
            assert api.get("/v2/accounts").status == 401
        assert one.requests == []


def test_closing_ends_a_request_that_is_held_back() -> None:
    with Sandbox(accounts=1) as sandbox, Api(sandbox) as api, ThreadPoolExecutor(1) as pool:
        sandbox.delay(60.0)
        call = pool.submit(api.get, "/v2/status")
        until(lambda: sandbox.requests)
        began = time.monotonic()
        sandbox.close()
        assert time.monotonic() - began < 5
        assert isinstance(call.exception(timeout=5), OSError)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /api/v2/st",
        b"POST /api/v2/status HTTP/1.1\r\nContent-Length: 10\r\n\r\n123",
        b"POST /api/v2/status HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12",
        b"GET /api/v2/status HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
    ],
    ids=["idle", "mid-head", "mid-body", "mid-chunk", "refused"],
)
def test_closing_ends_a_connection_in_any_phase(sent: bytes) -> None:
    with Sandbox(accounts=1) as sandbox, socket.create_connection(address(sandbox), 5) as sock:
        sock.sendall(sent)
        until(lambda: sandbox.connections == 1)
        began = time.monotonic()
        sandbox.close()
        assert time.monotonic() - began < 5
        while sock.recv(65536):
            pass


def test_closing_ends_an_answer_that_nobody_reads() -> None:
    with Sandbox(accounts=1, gzip=False) as sandbox:
        sandbox.fail(200, body=b"x" * 30_000_000)
        with socket.create_connection(address(sandbox), 5) as sock:
            sock.sendall(b"GET /api/v2/status HTTP/1.1\r\n\r\n")
            assert sock.recv(1) == b"H"
            sandbox.close()


def test_closing_from_many_threads_at_once_is_harmless() -> None:
    sandbox = Sandbox(accounts=1)
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(sandbox.close) for _ in range(8)]:
            future.result(timeout=5)


def test_clients_that_vanish_leave_no_trace(capfd: pytest.CaptureFixture[str]) -> None:
    with Sandbox(accounts=60) as sandbox:
        whole = f"GET /api/v2/accounts HTTP/1.1\r\nAuthorization: Bearer {sandbox.api_key}\r\n\r\n"
        for sent in ("", "GET", whole[:-2], whole, whole * 50):
            sock = socket.create_connection(address(sandbox), 5)
            # Linger for no time at all: close() resets the connection.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.sendall(sent.encode())
            sock.close()
        with Api(sandbox) as api:
            assert api.get("/v2/accounts").status == 200
        until(lambda: len(threads()) <= 2)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_child_closes_its_copy_and_the_parent_serves_on() -> None:
    script = """if True:
        import http.client, os
        from tesote_sdk.sandbox import Sandbox
        with Sandbox(accounts=1) as sandbox:
            connection = http.client.HTTPConnection(sandbox.url[len("http://") : -len("/api")])
            connection.request("GET", "/api/status")
            connection.getresponse().read()
            child = os.fork()
            if child == 0:
                sandbox.close()
                os._exit(0)
            os.waitpid(child, 0)
            connection.request("GET", "/api/status")
            print(connection.getresponse().status, sandbox.connections)
            connection.close()
    """
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert (done.stdout, done.stderr) == ("200 1\n", "")


def test_connections_are_counted() -> None:
    with Sandbox(accounts=1) as sandbox:
        for _ in range(3):
            with Api(sandbox) as api:
                api.get("/v2/status")
        assert sandbox.connections == 3
        assert [request.connection for request in sandbox.requests] == [1, 2, 3]


def test_it_speaks_ipv6_where_the_machine_does() -> None:
    try:
        sandbox = Sandbox(accounts=1, host="::1")
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with sandbox, Api(sandbox) as api:
        assert sandbox.url.startswith("http://[::1]:")
        assert api.get("/v2/status").status == 200
