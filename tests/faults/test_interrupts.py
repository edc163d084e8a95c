"""Ctrl-C, a signal handler that raises, a full memory: at every line of the package.

Wherever it strikes, nothing stays held: no connection, no single flight, no import that a fork
waits for; and the next call gets its own answer. `TESOTE_TEST_EVERY_LINE=1` tries every line, which
takes minutes; otherwise it is every few.
"""

from __future__ import annotations

import gc
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tesote_sdk import TesoteError, V2Client, _forks
from tests.faults.first_calls import at_every_line_of_a_first_call
from tests.faults.harness import Wire, client_of, open_connections
from tests.faults.interrupts import AlarmError, Strike, in_a_thread
from tests.support.steps import Step, reply
from tests.support.systems import needs_fork, needs_prompt_collection

if TYPE_CHECKING:
    from tests.support.http_messages import Request
    from tests.support.scripted_server import ScriptedServer

EVERY_LINE = bool(os.environ.get("TESOTE_TEST_EVERY_LINE"))

ERRORS = [KeyboardInterrupt, MemoryError, AlarmError]


def echo(request: Request) -> Step:
    return reply(200, {"target": request.target})


def echo_and_close(request: Request) -> Step:
    return reply(200, {"target": request.target}, close=True)


def asked(client: V2Client, path: str, cache_ttl: float | None = None) -> bool:
    """Make a call, and tell whether the answer is its own."""
    sent = client.request("GET", path, cache_ttl=cache_ttl).json
    return bool(sent["target"] == path)


def check(client: V2Client, server: ScriptedServer, cache_ttl: float | None = None) -> None:
    """Check that a client is as good as new, and leaves nothing open when it is closed."""
    assert asked(client, "/v2/next", cache_ttl)
    assert in_a_thread(lambda: asked(client, "/v2/elsewhere", cache_ttl)) is True
    transport: Any = client.transport
    if transport._cache is not None:
        assert transport._cache._flights._flights == {}
        assert transport._cache._renewals._flights == {}
    assert not _forks._loads._all_under_way()
    client.close()
    assert open_connections(transport) == []
    gc.collect()
    server.wait_until(lambda: server.open_connections == 0)


def places(lines: int, few: int) -> range:
    """Return the lines to strike at: all of them, or some `few` from the first to the last."""
    return range(1, lines + 1, 1 if EVERY_LINE else max(1, lines // few))


def check_end(ended: BaseException | None, error: type[BaseException], place: str | None) -> None:
    """Check what an interrupted call ended with.

    What is an Exception may be taken for the log's, the backend's or the opener's own. No two calls
    take quite as many lines, so that some are not struck.
    """
    if place is None:
        assert ended is None
    elif error is KeyboardInterrupt:
        assert isinstance(ended, KeyboardInterrupt), place
    else:
        assert ended is None or isinstance(ended, (error, TesoteError)), place


# Between two lines nobody holds a new socket: it is closed when the error goes, with a warning.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kept", [True, False], ids=["warm", "dials_anew"])
def test_at_every_line_of_a_call(kept: bool, error: type[BaseException], wire: Wire) -> None:
    with wire.serve(echo if kept else echo_and_close) as server:

        def strike(at: int) -> Strike:
            with client_of(server) as client:
                assert asked(client, "/v2/first")
                interrupt = Strike(at, error)
                ended = interrupt.during(lambda: asked(client, "/v2/things"))
                check_end(ended, error, interrupt.place)
                del ended
                check(client, server)
            return interrupt

        struck = [strike(at).place for at in places(strike(0).lines, 25)]
        assert sum(place is not None for place in struck) > 20


@needs_prompt_collection
@pytest.mark.parametrize("error", ERRORS)
def test_at_every_line_of_a_call_that_another_thread_waits_for(
    error: type[BaseException],
) -> None:
    with Wire("http").serve(echo) as server:

        def strike(at: int) -> Strike:
            with client_of(server, total_timeout=5) as client:
                assert asked(client, "/v2/first", 60)
                begun, other = threading.Event(), []

                def join_in() -> None:
                    begun.wait(5)
                    other.append(in_a_thread(lambda: asked(client, "/v2/things", 60)))

                thread = threading.Thread(target=join_in)
                thread.start()
                begun.set()
                interrupt = Strike(at, error)
                ended = interrupt.during(lambda: asked(client, "/v2/things", 60))
                check_end(ended, error, interrupt.place)
                del ended
                thread.join(5)
                assert other == [True], interrupt.place
                check(client, server, 60)
            return interrupt

        struck = [strike(at).place for at in places(strike(0).lines, 40)]
        assert sum(place is not None for place in struck) > 10


FIRST_CALLS = """
import sys
import tesote_sdk
from tests.faults.interrupts import Strike, in_a_thread
from tesote_sdk import _forks

def attempt(at):
    client = tesote_sdk.V2Client("sk_test_1234", base_url=sys.argv[1], total_timeout=5)
    interrupt = Strike(at)
    ended = interrupt.during(client.whoami)
    if at:
        assert isinstance(ended, KeyboardInterrupt), ended
        ended = None
        for ask in (client.whoami, lambda: in_a_thread(client.whoami)):
            assert ask() == {"target": "/v2/whoami"}, interrupt.place
        assert not _forks._loads._all_under_way(), interrupt.place
        pool = client.transport._sender.pool
        client.close()
        assert not [each for each in pool._open.values() if each._close_socket.alive]
    return interrupt
"""


@needs_fork
@needs_prompt_collection
def test_at_every_line_of_a_first_call() -> None:
    """Each in a process that has made no call, and so has loaded nothing that speaks HTTP."""
    with Wire("http").serve(echo) as server:
        at_every_line_of_a_first_call(FIRST_CALLS, server.url, every=EVERY_LINE)
        server.wait_until(lambda: server.open_connections == 0)
