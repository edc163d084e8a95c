"""The race of addresses, on systems of all kinds, and what dialing leaves open."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import ssl
import threading
import time
from typing import Any

import pytest

from tesote_sdk import NetworkError, TimeoutError
from tesote_sdk._forks import renew_after_fork
from tesote_sdk.transport import dialing
from tesote_sdk.transport.dialing import _interleave, dial
from tesote_sdk.transport.origin import Origin
from tesote_sdk.transport.timeouts import Deadline
from tests.support.certificates import client_context, server_context
from tests.support.dead_addresses import black_hole, refused_port
from tests.support.scripted_server import ScriptedServer
from tests.support.steps import Step, hang_up, on_client_hello, silence
from tests.support.systems import needs_fork

V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.mark.parametrize(
    ("families", "order"),
    [
        ([V6, V6, V4, V4], [0, 2, 1, 3]),
        ([V4, V4, V4], [0, 1, 2]),
        ([V4, V6, V6, V6], [0, 1, 2, 3]),
        ([V6], [0]),
    ],
)
def test_families_alternate(families: list[Any], order: list[int]) -> None:
    addresses = list(zip(families, range(len(families))))
    assert [number for _, number in _interleave(addresses)] == order


def deadline() -> Deadline:
    return Deadline(time.monotonic, 10, "connect")


def test_socket_options() -> None:
    with ScriptedServer([]) as server:
        origin = Origin("http", *server.address)
        with dial(origin, None, None, deadline()) as sock:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_ipv6() -> None:
    try:
        server = ScriptedServer([], host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with server, dial(Origin("http", *server.address), None, None, deadline()) as sock:
        assert sock.family == V6


def test_the_error_names_the_last_address_that_failed() -> None:
    with refused_port() as port, pytest.raises(NetworkError) as caught:
        dial(Origin("http", "127.0.0.1", port), None, None, deadline())
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


# ---- other systems, and programs that replace what sockets are made of ----


def listener() -> socket.socket:
    """Return a server that accepts, and does nothing that a test could disturb."""
    return socket.create_server(("127.0.0.1", 0))


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: Any) -> Origin:
    """Have a host name lead to these addresses, and return an origin of that name."""
    found = [(V4, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    return Origin("http", "api.example.test", 80)


def test_race_where_select_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll", raising=False)
    with listener() as server, refused_port() as port:
        address = server.getsockname()
        origin = resolve_to(monkeypatch, ("127.0.0.1", port), address)
        with dial(origin, None, None, deadline()) as sock:
            assert sock.getpeername() == address


def test_refused_connects_as_windows_tells_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """In select's third list; and the text of the code is in a table of socket's own."""
    genuine = select.select

    def as_windows(readers: Any, writers: Any, failed: Any, seconds: float) -> Any:
        assert list(failed) == list(writers)
        _, ready, _ = genuine(readers, writers, [], seconds)
        return [], [], ready

    monkeypatch.delattr(select, "poll", raising=False)
    monkeypatch.setattr(select, "select", as_windows)
    text = "The target machine actively refused the connection"
    monkeypatch.setattr(socket, "errorTab", {errno.ECONNREFUSED: text}, raising=False)
    with refused_port() as port, pytest.raises(NetworkError, match=text) as caught:
        dial(Origin("http", "127.0.0.1", port), None, None, deadline())
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_descriptor_too_high_for_select(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_range(*_: Any) -> Any:
        raise ValueError("filedescriptor out of range in select()")

    monkeypatch.delattr(select, "poll", raising=False)
    monkeypatch.setattr(select, "select", out_of_range)
    with listener() as server, pytest.raises(NetworkError, match="about a thousand is the limit"):
        dial(Origin("http", *server.getsockname()), None, None, deadline())


def test_guard_of_a_test_run_sees_the_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as pytest-socket's, whose error is the test's and no failure of the network."""
    guarded: list[Any] = []

    def refuse(sock: socket.socket, address: Any) -> None:
        guarded.append(sock)
        raise RuntimeError(f"a test tried to connect to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(RuntimeError, match="a test tried to connect"):
        dial(Origin("http", "127.0.0.1", 9), None, None, deadline())
    assert [sock.fileno() for sock in guarded] == [-1]


def test_socket_class_that_is_replaced_later(monkeypatch: pytest.MonkeyPatch) -> None:
    class Green(socket.socket):
        pass

    server = listener()
    monkeypatch.setattr(socket, "socket", Green)
    with server, dial(Origin("http", *server.getsockname()), None, None, deadline()) as sock:
        assert type(sock) is Green


# ---- addresses that take a connection and come to nothing ----


@pytest.mark.parametrize(
    ("step", "seconds"), [(silence(), 0.5), (hang_up(), 5)], ids=["silent", "hangs_up"]
)
def test_half_dead_address_goes_last(
    step: Step, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, suspects = client_context(), {("192.0.2.1", 443)}
    with (
        ScriptedServer([on_client_hello(step)], tls=server_context()) as sick,
        ScriptedServer([], tls=server_context()) as well,
    ):
        origin = resolve_to(monkeypatch, sick.address, well.address).replace(scheme="https")
        with pytest.raises((NetworkError, TimeoutError)):
            dial(origin, None, context, Deadline(time.monotonic, seconds, "connect"), suspects)
        # What the name leads to no longer is forgotten.
        assert suspects == {sick.address}
        context.check_hostname = False
        with dial(origin, None, context, deadline(), suspects) as sock:
            assert sock.getpeername() == well.address
        assert sick.connections == 1


def test_suspect_is_tried_where_nothing_else_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer([]) as server, refused_port() as port:
        origin = resolve_to(monkeypatch, server.address, ("127.0.0.1", port))
        with dial(origin, None, None, deadline(), {server.address}) as sock:
            assert sock.getpeername() == server.address


def test_answer_of_a_slow_resolver_is_dropped_where_nobody_is_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dropped: list[Origin] = []
    monkeypatch.setattr(dialing, "forget", dropped.append)
    with refused_port() as port:
        origin = resolve_to(monkeypatch, ("127.0.0.1", port))
        with pytest.raises(NetworkError):
            dial(origin, None, None, deadline())
    assert dropped == [origin]


# ---- what is left open ----


def test_losers_of_the_race_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    class Recorded(socket.socket):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    with listener() as server, black_hole() as dead:
        origin = resolve_to(monkeypatch, dead, server.getsockname())
        monkeypatch.setattr(socket, "socket", Recorded)
        with dial(origin, None, None, deadline()) as sock:
            assert [one for one in made if one.fileno() >= 0] == [sock]


class ToFork:
    """Tells of the moment at which a socket is being dialed."""

    reached = threading.Event()
    descriptor = -1

    @classmethod
    def reach(cls, sock: socket.socket) -> None:
        cls.descriptor = sock.fileno()
        cls.reached.set()


class Connecting(socket.socket):
    def connect(self, address: Any) -> None:
        try:
            super().connect(address)
        finally:
            ToFork.reach(self)


class ShakingHands(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        ToFork.reach(self)
        super().do_handshake(block)


@needs_fork
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_sockets_in_mid_dial_are_closed_in_a_forked_child(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the connect has come through, and in the midst of a handshake."""
    monkeypatch.setattr(ToFork, "reached", threading.Event())
    context = client_context()
    with contextlib.ExitStack() as stack:
        if scheme == "http":
            monkeypatch.setattr(socket, "socket", Connecting)
            address = stack.enter_context(black_hole())
            ToFork.reached.clear()  # the hole was dug with a socket, too
        else:
            context.sslsocket_class = ShakingHands
            script = [on_client_hello(silence())]
            address = stack.enter_context(ScriptedServer(script, tls=server_context())).address

        def time_out() -> None:
            with contextlib.suppress(TimeoutError):
                dial(
                    Origin(scheme, *address),
                    None,
                    context,
                    Deadline(time.monotonic, 0.2, "connect"),
                )

        thread = threading.Thread(target=time_out)
        thread.start()
        assert ToFork.reached.wait(5)
        pid = os.fork()
        if not pid:
            try:
                os.fstat(ToFork.descriptor)
            except OSError:
                os._exit(0)
            os._exit(1)
        os.fstat(ToFork.descriptor)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_dial_that_is_over_closes_nothing_in_a_forked_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PyPy keeps what a dial leaves behind, and others have the numbers of its sockets by then."""
    kept = []  # here, on every Python

    def keep(opened: Any) -> None:
        kept.append(opened)
        renew_after_fork(opened)

    monkeypatch.setattr(dialing, "renew_after_fork", keep)
    with ScriptedServer([silence()] * 2, tls=server_context()) as server:
        origin = Origin("https", *server.address)
        with dial(origin, None, client_context(), deadline()) as ended:
            number = ended.fileno()
        with socket.create_connection(server.address) as plain:
            assert plain.fileno() == number
            with client_context().wrap_socket(plain, server_hostname="127.0.0.1"):
                pid = os.fork()
                if not pid:
                    try:
                        os.fstat(number)
                    except OSError:
                        os._exit(1)
                    os._exit(0)
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(kept) == 1
