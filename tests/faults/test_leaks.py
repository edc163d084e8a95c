"""Nothing is left behind: descriptors, connections of interrupted calls, modules nobody needs."""

from __future__ import annotations

import _thread
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType
from typing import Any, Callable

import pytest

from tesote_sdk import RetryPolicy, TesoteError
from tests.faults.harness import (
    BODY,
    KEY,
    Wire,
    answer,
    ask,
    client_of,
    failure_of,
    open_connections,
)
from tests.support.certificates import client_context
from tests.support.dead_addresses import refused_port
from tests.support.steps import Step, cut, hang_up, on_client_hello, reply, silence
from tests.support.systems import needs_kill, needs_prompt_collection, open_descriptors
from tests.support.transports import transport_of

CLIENTS = 1000


@needs_prompt_collection
def test_1000_clients_made_and_dropped(wire: Wire) -> None:
    def answer_any(_: object) -> Step:
        return answer()

    context = client_context()
    before = 0
    calls = CLIENTS if wire.scheme == "http" else 100
    with wire.serve(answer_any) as server:
        for n in range(CLIENTS):
            client = client_of(server, ssl_context=context, read_timeout=5)
            if n < calls:
                ask(client)
            del client
            if n == 20:
                server.wait_until(lambda: server.open_connections == 0)
                before = open_descriptors()
        server.wait_until(lambda: server.open_connections == 0)
        assert server.connections == calls
        assert open_descriptors() <= before


FAILURES = {
    "closed": hang_up(),
    "cut": cut(answer(), -5),
    "silent": silence(),
    "refused": reply(500, {"error": "no"}),
}


@pytest.mark.parametrize("step", FAILURES.values(), ids=FAILURES)
def test_failed_calls_leave_no_descriptor(step: Step, wire: Wire) -> None:
    with wire.serve([step] * 5) as server:
        before = open_descriptors()
        options: dict[str, Any] = {"retry_policy": RetryPolicy(max_attempts=1)}
        with client_of(server, read_timeout=0.02, **options) as client:
            errors = [failure_of(lambda: ask(client)).error for _ in range(5)]
        server.wait_until(lambda: server.open_connections == 0)
        assert open_descriptors() == before
        assert len(errors) == 5


def test_refused_connects_leave_no_descriptor(wire: Wire) -> None:
    with refused_port() as port, client_of(f"{wire.scheme}://127.0.0.1:{port}") as client:
        failure_of(lambda: ask(client))
        before = open_descriptors()
        for _ in range(20):
            failure_of(lambda: ask(client))
        assert open_descriptors() == before


@needs_prompt_collection
def test_errors_keep_nothing_alive(wire: Wire) -> None:
    """An error holds no reference cycle: what it leaves goes with it, without a collector."""
    with (
        wire.serve([hang_up()]) as server,
        client_of(server, retry_policy=RetryPolicy(max_attempts=1)) as client,
    ):
        while gc.collect():
            continue  # what is found may have held more
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            failure_of(lambda: ask(client))
            gc.collect()
            assert [each for each in gc.garbage if _is_of_the_sdk(each)] == []
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()


@needs_prompt_collection
def test_a_cycle_of_an_error_would_be_found() -> None:
    error = TesoteError("no")
    vars(error)["itself"] = error
    found = id(error)
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        del error
        gc.collect()
        # Among what earlier tests have left.
        assert found in [id(each) for each in gc.garbage if _is_of_the_sdk(each)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def _is_of_the_sdk(found: object) -> bool:
    """Tell it from what other threads leave, such as the server's."""
    if isinstance(found, FrameType):
        return str(found.f_globals.get("__name__")).startswith("tesote_sdk")
    return type(found).__module__.startswith("tesote_sdk")


def _interrupt_after(wait: Callable[[], object]) -> threading.Thread:
    """Press Ctrl-C, as it were, once the main thread waits for what a server holds back."""
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        wait()
        time.sleep(0.02)
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(main, signal.SIGINT)
        else:
            _thread.interrupt_main()

    thread = threading.Thread(target=press)
    thread.start()
    return thread


INTERRUPTED = {
    "waiting_for_the_answer": silence(),
    "in_mid_headers": cut(answer(), 30, then=silence()),
    "in_mid_body": cut(answer(), -5, then=silence()),
}


@pytest.mark.parametrize("step", INTERRUPTED.values(), ids=INTERRUPTED)
def test_interrupt(step: Step, wire: Wire) -> None:
    """Ctrl-C passes through, and its half-read connection serves nobody after it."""
    with (
        wire.serve([reply(200, {"n": 0}), step, answer()]) as server,
        client_of(server, read_timeout=10, total_timeout=20) as client,
    ):
        ask(client)
        presser = _interrupt_after(lambda: server.wait_for_requests(2))
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            ask(client)
        assert time.monotonic() - started < 3
        presser.join()
        assert ask(client) == BODY
        server.wait_for_disconnects(1)
        assert server.connections == 2
        assert len(open_connections(client.transport)) == 1


@needs_kill
def test_interrupt_in_mid_handshake() -> None:
    with (
        Wire("https").serve([on_client_hello(silence()), answer()]) as server,
        client_of(server, connect_timeout=10, total_timeout=20) as client,
    ):
        presser = _interrupt_after(lambda: server.wait_until(lambda: server.connections))
        with pytest.raises(KeyboardInterrupt):
            ask(client)
        presser.join()
        assert ask(client) == BODY
        server.wait_for_disconnects(1)


class _Interrupting:
    """A clock that raises KeyboardInterrupt at one of its readings."""

    def __init__(self, at: int) -> None:
        self.readings = 0
        self.at = at

    def __call__(self) -> float:
        self.readings += 1
        if self.readings == self.at:
            raise KeyboardInterrupt
        return time.monotonic()


def test_interrupt_at_every_look_at_the_clock(wire: Wire) -> None:
    """Wherever it strikes, no later call reads what an earlier one left."""

    def echo(request: Any) -> Step:
        return reply(200, {"target": request.target})

    with wire.serve(echo) as server:
        strikes = 0
        for at in range(1, 40):
            clock = _Interrupting(at)
            transport = transport_of(KEY, server.url, ssl_context=client_context(), clock=clock)
            for n in range(4):
                path = f"/v2/things/{at}/{n}"
                try:
                    assert transport.request("GET", path).json["target"] == path
                except KeyboardInterrupt:
                    strikes += 1
            transport.close()
            assert open_connections(transport) == []
        assert strikes > 10
        gc.collect()
        server.wait_until(lambda: server.open_connections == 0)


def test_process_that_ends_with_an_open_client_is_silent(wire: Wire) -> None:
    """Nor does a client warn of its sockets where warnings are errors."""
    code = (
        "import sys; from tests.faults.harness import *\n"
        "client = client_of(sys.argv[1], read_timeout=5)\n"
        "client.request('GET', '/v2/things')\n"
    )
    with wire.serve([answer()]) as server:
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-X", "dev", "-c", code, server.url],
            capture_output=True,
            timeout=20,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(["src", *sys.path])},
        )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_import_loads_neither_network_nor_tls() -> None:
    code = (
        "import sys, tesote_sdk; tesote_sdk.V2Client('sk_test_1234')\n"
        "unwanted = {'ssl', 'socket', 'http.client', 'urllib.request', 'email', 'logging'}\n"
        "print(sorted(unwanted & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        capture_output=True,
        timeout=20,
        check=True,
    )
    assert ended.stdout.strip() == b"[]"
