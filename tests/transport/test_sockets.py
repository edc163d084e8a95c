"""A socket that waits within the timeouts: not longer, and not for what is there already."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from tesote_sdk.transport import sockets
from tesote_sdk.transport.sockets import TimedSocket
from tesote_sdk.transport.timeouts import Deadline
from tests.support.certificates import client_context, server_context
from tests.support.systems import EARLY

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from typing import Callable

MESSAGE = bytes(range(256)) * 20_000
"""More than two sockets can hold."""


@pytest.fixture(params=["plain", "tls", "plain, without poll", "tls, without poll"])
def pair(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[TimedSocket, socket.socket]]:
    if "without poll" in request.param:  # as on Windows
        monkeypatch.delattr(select, "poll", raising=False)
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as stack:
        if "tls" in request.param:
            ours, theirs = _over_tls(ours, theirs)
        stack.callback(ours.close)
        stack.callback(theirs.close)
        theirs.settimeout(5)
        yield TimedSocket(ours, Deadline(time.monotonic, 5, "total"), 5), theirs


def _over_tls(ours: socket.socket, theirs: socket.socket) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    accepted: list[ssl.SSLSocket] = []

    def accept() -> None:
        accepted.append(server_context().wrap_socket(theirs, server_side=True))

    server = threading.Thread(target=accept)
    server.start()
    client = client_context().wrap_socket(ours, server_hostname="localhost")
    server.join()
    return client, accepted[0]


def socket_of(timed: TimedSocket) -> Any:
    return cast("Any", timed._send).__self__


def within(timed: TimedSocket, read_timeout: float, total: float = 5.0) -> None:
    timed.within(Deadline(time.monotonic, total, "total"), read_timeout)


def when_it_waits(
    monkeypatch: pytest.MonkeyPatch, timed: TimedSocket, happens: Callable[[], object]
) -> None:
    wait = TimedSocket._wait

    def watched(self: TimedSocket, begun: Deadline | None, *, to_write: bool) -> Deadline:
        if self is timed:
            happens()
        return wait(self, begun, to_write=to_write)

    monkeypatch.setattr(TimedSocket, "_wait", watched)


def test_a_read_waits_for_a_byte(
    pair: tuple[TimedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed, peer = pair
    within(timed, 5)
    when_it_waits(monkeypatch, timed, lambda: peer.sendall(b"late"))
    assert timed.receive() == b"late"


@pytest.mark.parametrize(("read_timeout", "total"), [(0.02, 5.0), (5.0, 0.02)])
def test_a_read_ends_with_the_shorter_of_the_timeouts(
    pair: tuple[TimedSocket, socket.socket], read_timeout: float, total: float
) -> None:
    timed, _ = pair
    within(timed, read_timeout, total)
    began = time.monotonic()
    with pytest.raises(socket.timeout):
        timed.receive()
    assert 0.02 - max(EARLY, 0.005) <= time.monotonic() - began < 1


def test_a_wait_that_a_coarse_clock_ended_early_goes_on(
    pair: tuple[TimedSocket, socket.socket],
) -> None:
    timed, peer = pair
    within(timed, 5)
    is_readable = timed._is_readable

    ends_early = iter([False])

    def at_first_for_nothing(seconds: float) -> object:
        for is_ready in ends_early:
            peer.sendall(b"late")
            return is_ready
        return is_readable(seconds)

    timed._is_readable = at_first_for_nothing
    assert timed.receive() == b"late"


def test_ctrl_c_is_noticed_between_two_waits_where_it_ends_none(
    pair: tuple[TimedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, whose select goes on to its end."""
    wait, waits = select.select, []

    def watched(readers: Any, writers: Any, failed: Any, seconds: float) -> Any:
        waits.append(seconds)
        return wait(readers, writers, failed, seconds)

    monkeypatch.delattr(select, "poll", raising=False)
    monkeypatch.setattr(select, "select", watched)
    monkeypatch.setattr(sockets, "LONGEST_WAIT", 0.02)
    timed = TimedSocket(socket_of(pair[0]), Deadline(time.monotonic, 5, "total"), 0.09)
    began = time.monotonic()
    with pytest.raises(socket.timeout):
        timed.receive()
    assert 0.09 - max(EARLY, 0.01) <= time.monotonic() - began < 1
    assert len(waits) >= 5
    assert max(waits) <= 0.02
    pair[1].sendall(b"late")
    assert timed.receive() == b"late"


def test_what_has_come_is_received_without_a_wait(pair: tuple[TimedSocket, socket.socket]) -> None:
    timed, peer = pair
    assert timed.receive_now() is None
    peer.sendall(b"xy")
    assert arrived(timed) == b"xy"
    assert timed.receive_now() is None
    peer.close()
    # Of a peer that leaves without TLS's goodbye, OpenSSL 3.6 may say so: nothing is lost by that,
    # for both mean that the connection is gone.
    with contextlib.suppress(BrokenPipeError):
        assert arrived(timed) == b""


def arrived(timed: TimedSocket) -> bytes | None:
    """Return what comes at last: on its way through the system it takes a moment."""
    give_up = time.monotonic() + 5
    while (got := timed.receive_now()) is None and time.monotonic() < give_up:
        time.sleep(0.001)
    return got


def test_a_peer_that_never_pauses_cannot_outlast_the_deadline(
    pair: tuple[TimedSocket, socket.socket],
) -> None:
    timed, peer = pair
    now = 0.0
    timed.within(Deadline(lambda: now, 10, "total"), 5)
    peer.sendall(b"x")
    assert timed.receive() == b"x"
    peer.sendall(b"x")
    now = 10.0
    with pytest.raises(socket.timeout):
        timed.receive()
    assert timed.patience.phase == "total"


def test_a_message_larger_than_the_sockets_arrives_whole(
    pair: tuple[TimedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed, peer = pair
    within(timed, 5)
    held_up = threading.Event()
    when_it_waits(monkeypatch, timed, held_up.set)
    received = bytearray()

    def receive() -> None:
        held_up.wait(5)
        while len(received) < len(MESSAGE):
            received.extend(peer.recv(65536))

    receiver = threading.Thread(target=receive)
    receiver.start()
    timed.send_all(memoryview(MESSAGE))
    receiver.join()
    assert held_up.is_set()
    assert received == MESSAGE


@pytest.mark.parametrize(("read_timeout", "total"), [(0.02, 5.0), (5.0, 0.02)])
def test_a_message_that_nobody_takes_ends_with_the_shorter_of_the_timeouts(
    pair: tuple[TimedSocket, socket.socket], read_timeout: float, total: float
) -> None:
    timed, _ = pair
    within(timed, read_timeout, total)
    began = time.monotonic()
    with pytest.raises(socket.timeout):
        timed.send_all(memoryview(MESSAGE))
    assert 0.02 - max(EARLY, 0.005) <= time.monotonic() - began < 1


def test_a_socket_that_was_closed_is_an_os_error(pair: tuple[TimedSocket, socket.socket]) -> None:
    timed, _ = pair
    within(timed, 5)
    socket_of(timed).close()
    with pytest.raises(OSError, match=r"Bad file descriptor|closed meanwhile"):
        timed.send_all(memoryview(b"x"))
    with pytest.raises(OSError, match=r"Bad file descriptor|closed meanwhile"):
        timed.receive()


@pytest.mark.parametrize("ends", ["shutdown", "close"])
def test_a_tls_socket_that_another_thread_ends_says_nothing_in_clear_text(
    ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it believe anything: ssl forgets its session first, and ends the socket then."""
    ours, theirs = _over_tls(*socket.socketpair())
    timed = TimedSocket(ours, Deadline(time.monotonic, 5, "total"), 5)
    wire = socket.fromfd(theirs.fileno(), theirs.family, theirs.type)
    name = "shutdown" if ends == "shutdown" else "_real_close"
    genuine = getattr(socket.socket, name)
    wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    refused = 0

    def in_between(sock: socket.socket, *how: int) -> None:
        nonlocal refused
        if sock is ours:
            for attempt in (
                lambda: timed.send_all(memoryview(b"Bearer sk_live")),
                timed.receive,
                timed.receive_now,
            ):
                with pytest.raises(ConnectionError, match="closed meanwhile"):
                    attempt()
                refused += 1
            with pytest.raises(BlockingIOError):
                wire.recv(1000)
        genuine(sock, *how)

    with wire, theirs, ours, monkeypatch.context() as patch:
        wire.setblocking(False)
        patch.setattr(socket.socket, name, in_between)
        if ends == "shutdown":
            ours.shutdown(socket.SHUT_RDWR)
        ours.close()
    assert refused == 3


def test_a_tls_record_that_drips_does_not_renew_the_read_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, wire = socket.socketpair()
    far_wire, theirs = socket.socketpair()
    with ours, wire, far_wire, theirs:
        finished = threading.Event()

        def relay() -> None:
            while not finished.is_set():
                for ready in select.select([wire, far_wire], [], [], 0.01)[0]:
                    (far_wire if ready is wire else wire).sendall(ready.recv(65536))

        relaying = threading.Thread(target=relay)
        relaying.start()
        client, server = _over_tls(ours, theirs)
        finished.set()
        relaying.join()
        with client, server:
            now = 0.0
            timed = TimedSocket(client, Deadline(lambda: now, 100, "total"), 1)
            server.sendall(b"x" * 100)
            record = iter(far_wire.recv(65536))

            def drip() -> None:
                nonlocal now
                now += 0.3
                wire.sendall(bytes([next(record)]))

            when_it_waits(monkeypatch, timed, drip)
            with pytest.raises(socket.timeout):
                timed.receive()
            assert 1 <= now < 2


@contextlib.contextmanager
def late_handshake(
    ours: socket.socket, theirs: socket.socket, monkeypatch: pytest.MonkeyPatch, *, filled: int = 0
) -> Iterator[tuple[TimedSocket, list[bool]]]:
    """A socket whose TLS begins with the first transfer, and whether each of its waits is to write.

    The peer does nothing before it is waited for. Then it takes the bytes off the line that fill
    it, shakes hands and says hello.
    """
    waits: list[bool] = []
    waited = threading.Event()
    wait = TimedSocket._wait

    def watched(self: TimedSocket, begun: Deadline | None, *, to_write: bool) -> Deadline:
        waits.append(to_write)
        waited.set()
        return wait(self, begun, to_write=to_write)

    def answer() -> None:
        waited.wait(5)
        left = filled
        while left:
            left -= len(theirs.recv(left))
        context = server_context()
        with (
            contextlib.suppress(OSError),  # the test may be over
            context.wrap_socket(theirs, server_side=True) as server,
        ):
            server.sendall(b"hello")
            server.recv(1)

    monkeypatch.setattr(TimedSocket, "_wait", watched)
    answering = threading.Thread(target=answer)
    with theirs:
        theirs.settimeout(5)
        with client_context().wrap_socket(
            ours, server_hostname="localhost", do_handshake_on_connect=False
        ) as client:
            answering.start()
            yield TimedSocket(client, Deadline(time.monotonic, 5, "total"), 5), waits
        answering.join()


def test_to_send_over_tls_may_be_to_wait_for_what_is_to_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other way would be no wait: it would keep a processor busy."""
    with late_handshake(*socket.socketpair(), monkeypatch) as (timed, waits):
        timed.send_all(memoryview(b"x"))
        assert waits
        assert not any(waits)


def test_to_receive_over_tls_may_be_to_wait_for_room_to_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other way would be to wait for an answer to what has not been sent."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    filled = 0
    for size in (65536, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                filled += ours.send(bytes(size))
    with late_handshake(ours, theirs, monkeypatch, filled=filled) as (timed, waits):
        assert timed.receive() == b"hello"
        assert waits[0] is True
