"""Starting, ending, and what is left behind: nothing."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox
from tesote_sdk.sandbox._wire import server
from tests.support.connections import reset_on_close
from tests.support.systems import needs_fork

from .api import Api

if TYPE_CHECKING:
    from collections.abc import Iterator


def threads() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name.startswith("tesote-sandbox-")}


def descriptors() -> set[tuple[int, int, int]]:
    """The open descriptors, each with what it is open on; none where the system shows none."""
    found: set[tuple[int, int, int]] = set()
    shown = Path("/dev/fd")
    if sys.platform == "win32" or not shown.exists():
        return found
    for number in [int(each.name) for each in shown.iterdir()]:
        with contextlib.suppress(OSError):  # the listing's own, which is closed by now
            status = os.fstat(number)
            found.add((number, status.st_dev, status.st_ino))
    return found


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """What is new after a test must go. What other tests left, and what ends late, is not new."""
    gc.collect()
    threads_before, descriptors_before = threads(), descriptors()
    yield
    gc.collect()
    # One that is told to end takes a moment on a busy machine.
    until(lambda: threads() <= threads_before)
    # A thread of another test, a slow resolver's say, may have something open for a moment.
    until(lambda: descriptors() <= descriptors_before)


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
        with pytest.raises(OSError, match=str(port)) as caught:
            Sandbox(accounts=1, port=port)
        assert caught.value.errno == errno.EADDRINUSE


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
        b"POST /api/v2/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
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
            sock.sendall(b"GET /api/v2/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert sock.recv(1) == b"H"
            sandbox.close()


def test_closing_from_many_threads_at_once_is_harmless() -> None:
    sandbox = Sandbox(accounts=1)
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(sandbox.close) for _ in range(8)]:
            future.result(timeout=5)


def test_a_read_that_a_shutdown_does_not_wake_has_its_socket_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it may be on Windows; there the read ends then."""
    monkeypatch.setattr(server, "_shut_down", lambda _: None)
    monkeypatch.setattr(server, "_WAKES_WITHIN_SECONDS", 0.01)
    sandbox = Sandbox(accounts=1)
    with ThreadPoolExecutor(1) as pool, socket.create_connection(address(sandbox), 5):
        until(lambda: sandbox.connections == 1)
        ((sock, thread),) = sandbox._server._open.values()
        closed = pool.submit(sandbox.close)
        until(lambda: sock.fileno() == -1)
        assert thread.is_alive()
        assert not closed.done()
    assert closed.done()


def test_clients_that_vanish_leave_no_trace(capfd: pytest.CaptureFixture[str]) -> None:
    with Sandbox(accounts=60) as sandbox:
        whole = (
            "GET /api/v2/accounts HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {sandbox.api_key}\r\n\r\n"
        )
        for sent in ("", "GET", whole[:-2], whole, whole * 50):
            sock = socket.create_connection(address(sandbox), 5)
            reset_on_close(sock)
            sock.sendall(sent.encode())
            sock.close()
        with Api(sandbox) as api:
            assert api.get("/v2/accounts").status == 200
        port = address(sandbox)[1]
        own = f"tesote-sandbox-{port}"
        until(lambda: len([each for each in threads() if each.name.startswith(own)]) <= 2)
    assert capfd.readouterr() == ("", "")


def outcome(script: str) -> tuple[str, str]:
    """What a program prints, and what it complains of."""
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=20, check=True)
    return done.stdout, done.stderr


@needs_fork
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
    assert outcome(script) == ("200 1\n", "")


@needs_fork
def test_a_forked_child_is_not_hung_by_a_lock_that_was_held_at_the_fork() -> None:
    # A bank sync reads the clock with the state locked: there it stands still at the fork.
    script = """if True:
        import os, signal, threading, time, urllib.request
        from tesote_sdk.sandbox import Sandbox

        stopped, go_on = threading.Event(), threading.Event()
        readings = []

        def clock():
            if threading.current_thread().name.endswith("-1"):
                readings.append(1)
                if len(readings) == 2:  # the quota's was the first
                    stopped.set()
                    go_on.wait()
            return time.time()

        def sync(sandbox):
            headers = {"Content-Type": "application/json"}
            headers["Authorization"] = "Bearer " + sandbox.api_key
            url = f"{sandbox.url}/v2/accounts/{sandbox.account_ids[0]}/sync"
            urllib.request.urlopen(urllib.request.Request(url, b"{}", headers)).read()

        def controls(sandbox, account):
            yield lambda: sandbox.post_transaction(account, amount_cents=1)
            yield lambda: sandbox.add_api_key("x")
            yield lambda: sandbox.fail(503)
            yield lambda: sandbox.clear_faults()
            yield lambda: sandbox.requests
            yield lambda: sandbox.clear_requests()
            yield lambda: sandbox.connections

        def in_child(sandbox, account):
            signal.alarm(10)
            for control in controls(sandbox, account):
                try:
                    control()
                except RuntimeError as error:
                    assert "in the process that made it" in str(error)
                else:
                    os._exit(1)
            with Sandbox(accounts=1) as own:
                urllib.request.urlopen(own.url + "/status").read()
            sandbox.close()
            os._exit(7)

        with Sandbox(accounts=1, clock=clock) as sandbox:
            asking = threading.Thread(target=sync, args=[sandbox])
            asking.start()
            stopped.wait()
            child = os.fork()
            if child == 0:
                in_child(sandbox, sandbox.account_ids[0])
            print(os.waitpid(child, 0)[1] >> 8)
            go_on.set()
            asking.join()
            print(len(sandbox.requests))
    """
    assert outcome(script) == ("7\n1\n", "")


@needs_fork
@pytest.mark.skipif(sys.platform == "darwin", reason="only Linux ends all copies of a listener")
def test_a_port_is_closed_although_a_child_has_a_copy_of_it() -> None:
    script = """if True:
        import os, socket
        from tesote_sdk.sandbox import Sandbox

        sandbox = Sandbox(accounts=1)
        port = int(sandbox.url[len("http://127.0.0.1:") : -len("/api")])
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
        sandbox.close()
        try:
            socket.create_connection(("127.0.0.1", port), 5)
        except ConnectionRefusedError:
            print("refused")
        with Sandbox(accounts=1, port=port):
            print("open again")
        os.close(writer)
        os.waitpid(child, 0)
    """
    assert outcome(script) == ("refused\nopen again\n", "")


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
