"""A process that forks with a warm client: both sides go on, and never meet on one connection."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Callable

import pytest

from tesote_sdk import _forks
from tesote_sdk.transport import http1
from tesote_sdk.transport.framing import Head, stays_open
from tests.faults.echo_server import echo, echoing
from tests.faults.harness import Wire, client_of, pool_of
from tests.support.systems import needs_fork

if TYPE_CHECKING:
    from tests.support.http_messages import Request
    from tests.support.scripted_server import ScriptedServer
    from tests.support.steps import Step

pytestmark = [
    needs_fork,
    # Forking with threads is what is tried here; Python 3.12 and later warn of it.
    pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning"),
]


def forked(work: Callable[[], object]) -> int:
    """Run work in a child, and return the child's pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.alarm(20)  # a child that hangs must not outlive the test
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - a child has no caller
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)


def exit_status(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _ask(client: Any, name: str, count: int) -> set[int]:
    """Make so many calls, each of which gets its own answer; return what connections they used."""
    connections = set()
    for n in range(count):
        path = f"/v2/things/{name}/{n}"
        answer = client.request("GET", path).json
        assert answer["target"] == path
        connections.add(answer["connection"])
    return connections


def test_both_sides_of_a_fork_call_on(wire: Wire) -> None:
    told, tell = os.pipe()

    def child() -> None:
        os.write(tell, bytes(_ask(client, "child", 50)))

    with echoing(wire) as url, client_of(url) as client:
        own = _ask(client, "before", 3)
        children = [forked(child) for _ in range(4)]
        own |= _ask(client, "parent", 50)
        assert [exit_status(pid) for pid in children] == [0] * 4
        own |= _ask(client, "after", 3)
    # The parent's connection, and its TLS session, outlive four children that closed theirs.
    assert own == {1}
    assert sorted(os.read(told, 99)) == [2, 3, 4, 5]
    os.close(told)
    os.close(tell)


def test_child_closes_its_copies_of_the_sockets(wire: Wire) -> None:
    with wire.serve(echo) as server, client_of(server, read_timeout=10) as client:
        _ask(client, "before", 1)
        pool = pool_of(client.transport)
        (connection,) = pool._idle
        descriptor = connection._raw.fileno()

        def child() -> None:
            assert pool._idle == []
            assert not pool._open
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(descriptor)

        assert exit_status(forked(child)) == 0
        _ask(client, "after", 1)
        assert server.connections == 1


def test_fork_in_the_moment_when_an_answer_has_been_read(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a signal handler may do it; the child has no part in what it was about to keep."""
    pids: list[int] = []

    def forking(head: Head) -> bool:
        pids.append(os.fork())
        return stays_open(head)

    with wire.serve(echo) as server, client_of(server, read_timeout=10) as client:
        _ask(client, "before", 1)
        status = 1
        try:
            with monkeypatch.context() as patch:
                patch.setattr(http1, "stays_open", forking)
                _ask(client, "forks", 1)
            status = int(pool_of(client.transport)._idle != [])
        finally:
            if pids == [0]:  # the child, which is not to run the rest of the suite
                os._exit(status)
        assert exit_status(pids[0]) == 0
        _ask(client, "after", 1)
        assert server.connections == 1


def test_fork_while_another_thread_loads_what_a_call_needs(wire: Wire) -> None:
    with wire.serve(echo) as server, client_of(server, read_timeout=10) as client:
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with _forks.loading():
                held.set()
                done.wait(10)

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(10)
        # The fork waits for the lock, and the child has one of its own.
        threading.Timer(0.05, done.set).start()
        pid = forked(lambda: _ask(client, "child", 3))
        assert done.is_set()
        assert exit_status(pid) == 0
        thread.join()
        _ask(client, "after", 1)


def test_fork_while_threads_are_in_the_middle_of_calls(wire: Wire) -> None:
    """Not of a handshake, which may hold OpenSSL's lock: what that ends with is in test_tls."""
    with echoing(wire) as url, client_of(url, read_timeout=10, total_timeout=20) as client:
        _ask(client, "before", 1)
        stop, connected = threading.Event(), threading.Barrier(5)
        failures: list[BaseException] = []

        def work(name: str) -> None:
            try:
                # At once, and so over four connections: among the forks none has to be made.
                _ask(client, f"together/{name}", 1)
                connected.wait(10)
                while not stop.is_set():
                    _ask(client, name, 1)
            except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        connected.wait(10)
        children = []
        for _ in range(5):
            children.append(forked(lambda: _ask(client, "child", 5)))
            time.sleep(0.01)
        statuses = [exit_status(pid) for pid in children]
        stop.set()
        for thread in threads:
            thread.join()
        assert statuses == [0] * 5
        assert failures == []


def test_fork_in_a_signal_handler_in_mid_read(wire: Wire) -> None:
    """The child finds its call's connection gone, and makes the call on another one."""
    release = threading.Event()

    def slow(request: Request) -> Step:
        answer = echo(request)
        if len(server.requests) == 1:
            release.wait(20)
        return answer

    children: list[int] = []

    def handler(*_: object) -> None:
        pid = os.fork()
        if pid:
            children.append(pid)
            release.set()

    def interrupt(server: ScriptedServer) -> None:
        server.wait_for_requests(1, 10)
        time.sleep(0.02)  # the client is reading by now; if not, the outcome is the same
        os.kill(parent, signal.SIGUSR1)

    previous = signal.signal(signal.SIGUSR1, handler)
    parent = os.getpid()
    try:
        with wire.serve(slow) as server, client_of(server) as client:
            sender = threading.Thread(target=interrupt, args=(server,))
            sender.start()
            status = 1
            try:
                _ask(client, "both", 1)
                status = 0
            finally:
                if os.getpid() != parent:
                    os._exit(status)
            sender.join()
            assert [exit_status(pid) for pid in children] == [0]
            assert {r.connection for r in server.requests} == {1, 2}
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_grandchildren(wire: Wire) -> None:
    with wire.serve(echo) as server, client_of(server, read_timeout=10) as client:
        _ask(client, "before", 1)

        def child() -> None:
            _ask(client, "child", 2)
            assert exit_status(forked(lambda: _ask(client, "grandchild", 2))) == 0
            _ask(client, "child", 2)

        assert exit_status(forked(child)) == 0
        _ask(client, "after", 1)
        assert server.connections == 3


def test_fork_while_another_thread_makes_the_first_call_of_all() -> None:
    """What speaks HTTP and TLS loads with it; a child must not find that half done for ever."""
    code = """
import os, sys, threading
import tesote_sdk

class Slow:  # an import that takes its time
    def find_spec(self, name, path=None, target=None):
        if name == "tesote_sdk.transport.dialing" and not begun.is_set():
            begun.set()
            threading.Event().wait(0.2)

def call():
    try:
        client.whoami()
    except tesote_sdk.NetworkError:
        pass

begun = threading.Event()
sys.meta_path.insert(0, Slow())
client = tesote_sdk.V2Client(
    "sk_test_1234",
    base_url="http://127.0.0.1:1",
    retry_policy=tesote_sdk.RetryPolicy(max_attempts=1),
)
thread = threading.Thread(target=call)
thread.start()
begun.wait()
pid = os.fork()
if not pid:
    import signal
    signal.alarm(5)
    call()
    os._exit(0)
thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        check=False,
        timeout=20,
    )
    assert ended.returncode == 0
