"""A fork that Python does not announce, as uWSGI makes it in C: no hook runs in the child.

The child finds another pid than its own. Whatever is kept for a process begins anew there:
connections, the limiter's calls in flight, single flights, locks, what a thread was told.

The programs that fork run no thread that could be waiting for the interpreter at that moment, for
Python itself does not survive such a fork.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.certificates import CA
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, reply
from tests.support.systems import needs_fork

if TYPE_CHECKING:
    from tests.faults.harness import Wire
    from tests.support.http_messages import Request

pytestmark = [
    needs_fork,
    pytest.mark.skipif(
        sys.implementation.name != "cpython", reason="needs a Python that ctypes reaches"
    ),
]

RUNS = int(os.environ.get("TESOTE_TEST_FORK_RUNS", "1"))
"""How often each case is tried; a few hundred are for those who change what a child renews."""

SETUP = """
import ctypes, os, signal, ssl, sys, threading, time, traceback
from tesote_sdk import InMemoryLRUCache, RateLimiter, RetryPolicy, V2Client

URL, CA = sys.argv[1:3]
context = ssl.create_default_context(cafile=CA)

def client_of(**options):
    return V2Client(
        "sk_test_1234", base_url=URL, ssl_context=context, total_timeout=20,
        retry_policy=RetryPolicy(max_attempts=1), **options,
    )

def forked(work):
    pid = ctypes.PyDLL(None).fork()
    if pid:
        return pid
    try:
        signal.alarm(10)  # a child that hangs must not outlive the test
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)

def statuses(pids):
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
"""

WORKERS = """
def work(client, name):
    for number in range(20):
        asked = f"{name}-{number}"
        assert client.accounts.get(asked)["id"] == asked
    key = f"invoice-{name}"
    order = client.transaction_orders.create(
        name, amount="1", currency="VES", description="x", beneficiary={"name": "A"},
        idempotency_key=key,
    )
    assert order == {"id": f"order of {name}", "idempotency_key": key}, order

client = client_of(rate_limiter=RateLimiter())
work(client, "warm")
told = client.last_response
assert told is not None

def child(name):
    assert client.last_response is None
    work(client, name)
    assert client.last_response is not None
    grandchild = forked(lambda: work(client, f"{name}'s own"))
    work(client, f"{name} again")
    assert statuses([grandchild]) == [0]

children = [forked(lambda: child(f"child {n}")) for n in range(4)]
assert client.last_response == told
work(client, "parent")
assert statuses(children) == [0] * 4
work(client, "after")
"""

IN_FLIGHT = """
client_of().status()
cache = InMemoryLRUCache()
client = client_of(cache_backend=cache, rate_limiter=RateLimiter())  # its first call goes alone
cache.set("kept", b"1", 60)

def ask():
    assert client.accounts.get("a1", cache_ttl=60)["id"] == "a1"

threads = [threading.Thread(target=ask)]
threads[0].start()
os.read(0, 1)  # until that call has reached the server, which holds its answer back
time.sleep(0.05)  # it waits outside of the interpreter by now

def child():
    assert cache.get("kept") == b"1"
    began = time.monotonic()
    ask()
    client.status()
    assert time.monotonic() - began < 5

pid = forked(child)
(status,) = statuses([pid])
print("forked", flush=True)
for thread in threads:
    thread.join()
sys.exit(status)
"""


def start(code: str, server: ScriptedServer) -> subprocess.Popen[str]:
    path = f"import sys; sys.path[:0] = {sys.path!r}"
    return subprocess.Popen(
        [sys.executable, "-c", f"{path}\n{SETUP}{code}", server.url, str(CA)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def bank(request: Request) -> Step:
    """Answer with the id that was asked for."""
    segments = request.target.replace("%20", " ").replace("%27", "'").split("/")
    if request.method == "POST":
        key = request.headers["idempotency-key"]
        return reply(201, {"id": f"order of {segments[3]}", "idempotency_key": key})
    return reply(200, {"id": segments[-1], "status": "ok"})


class Slow(ScriptedServer):
    """A bank that holds the first answer about an account back."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        super().__init__(self._hold_the_first)

    def _hold_the_first(self, request: Request) -> Step:
        if request.target == "/v2/accounts/a1" and not self.reached.is_set():
            self.reached.set()
            self.go_on.wait(20)
        return bank(request)


def test_every_worker_gets_its_own_answers(wire: Wire) -> None:
    """With a client that was used before the fork: its socket must be the parent's alone."""
    for _ in range(RUNS):
        with wire.serve(bank) as server:
            worker = start(WORKERS, server)
            _, errors = worker.communicate(timeout=40)
            assert (worker.returncode, errors) == (0, "")
            by_connection: dict[int, set[str]] = {}
            for request in server.requests:
                if request.method == "GET":
                    name = request.target.rsplit("/", 1)[1].rsplit("-", 1)[0]
                    whose = name if name.startswith("child") else "the parent"
                    whose = whose.replace("%20again", "")
                    by_connection.setdefault(request.connection, set()).add(whose)
            assert all(len(users) == 1 for users in by_connection.values()), by_connection
            assert len(by_connection) == 1 + 4 + 4
            posts = [request for request in server.requests if request.method == "POST"]
            keys = [request.headers["idempotency-key"] for request in posts]
            assert len(keys) == len(set(keys)) == 3 + 4 * 3


def test_what_is_in_flight_in_the_parent_holds_no_child_up() -> None:
    """A call under way, a single flight, a call in flight by the limiter."""
    for _ in range(RUNS):
        with Slow() as server:
            worker = start(IN_FLIGHT, server)
            assert worker.stdin
            assert worker.stdout
            assert server.reached.wait(10)
            worker.stdin.write("x")
            worker.stdin.flush()
            told = worker.stdout.readline()
            server.go_on.set()
            _, errors = worker.communicate(timeout=40)
            assert (worker.returncode, told, errors) == (0, "forked\n", "")
            asked = [request.target for request in server.requests]
            assert asked.count("/v2/accounts/a1") == 2
