"""HTTP/1.1 on one connection: a request goes out, a response comes in, nothing is left behind.

How a response is framed is in `framing`. Socket errors become the SDK's errors here, where it is
known how far the exchange had come.
"""

from __future__ import annotations

import atexit  # noqa: F401 - weakref would import it in mid-call, while others fork
import contextlib
import socket
import ssl
import weakref
from typing import Callable, Optional

from ..errors import InvalidResponseError, NetworkError, TlsError, TransportError
from .content_coding import decompress, readable_refusal
from .framing import Head, Incoming, NotHttpError, read_body, stays_open
from .messages import Headers, Reply, Request
from .sockets import TimedSocket, bound_silence, is_lost
from .timeouts import Deadline

_MAX_INTERIM = 100
"""Heads before the final one (RFC 9110, section 15.2)."""


class Http1Connection:
    """A connected socket and the HTTP/1.1 spoken over it, one exchange at a time.

    Attributes:
        busy: Whether an exchange is under way.
        is_quiet: Tells whether an idle connection may be used again: no end and no bytes have come.
            Looking at it also lets TLS take in what needs no answer, such as a session ticket.
        reusable: Whether the last response was read to its end and the server keeps the
            connection open.
        peer: The address that it leads to.
        lost: What showed that the peer was gone by the time it was made, or None.
        made_with: The class of sockets then; a program that is made cooperative later (gevent,
            eventlet) puts another in its place, and a socket of the old one would block all.
        kept_by: The connections that a pool has open, this one among them. In a forked child the
            pool's are others.
        opened_at: When it was connected, on the pool's clock.
        idle_since: When it was put aside, on the pool's clock.
    """

    def __init__(
        self, sock: socket.socket, deadline: Deadline, read_timeout: float, opened_at: float
    ) -> None:
        # A finalizer holds the socket until it has closed it; of __del__, a collector that finds
        # both in one cycle may call the socket's first, which warns of a socket left open.
        self._close_socket = weakref.finalize(self, sock.close)
        self._raw = sock
        self.made_with: type[socket.socket] = socket.socket
        self.peer: object = None
        self.lost: Optional[OSError] = None
        try:
            self.peer = sock.getpeername()
            bound_silence(sock, read_timeout)
        except OSError as error:
            self.lost = error
        self._socket = TimedSocket(sock, deadline, read_timeout)
        self._incoming = Incoming(self._socket)
        self.is_quiet: Callable[[], bool] = self._incoming.is_quiet
        self.busy: bool = False
        self.reusable: bool = False
        self.kept_by: object = None
        self.opened_at: float = opened_at
        self.idle_since: float = opened_at

    @property
    def answered(self) -> bool:
        """Whether the last exchange got at least one byte of a response."""
        return self._incoming.heard

    def exchange(
        self, message: memoryview, method: str, deadline: Deadline, read_timeout: float
    ) -> Reply:
        """Send a request and read its response whole.

        Args:
            message: The request, head and body; a view, whose repr shows none of it.
            method: Its method; the response to HEAD has no body.
            deadline: Bounds the exchange as a whole.
            read_timeout: Seconds that each wait for the peer may take.

        Raises:
            NetworkError: The connection was lost before the response's end.
            TimeoutError: The server stayed silent, or the deadline passed.
            TlsError: The TLS layer refused the peer, or was refused.
            InvalidResponseError: What came was not HTTP, or too large, or wrongly compressed.
        """
        incoming = self._incoming
        incoming.heard = self.reusable = False
        head: Optional[Head] = None
        try:
            self.busy = True
            self._socket.within(deadline, read_timeout)
            sent_whole = self._send(message)
            head = self._read_final_head()
            ends_open = read_body(incoming, method, head)
            self.reusable = sent_whole and ends_open and stays_open(head)
        except (OSError, NotHttpError) as error:
            # What the server refused is known, whatever became of its explanation.
            if head is None or head.status < 300:
                raise _failure(error, head, self._socket.patience) from error
        finally:
            self.busy = False
        content = incoming.take_body()
        coding = head.fields.get("content-encoding")
        if head.status >= 300:
            content = readable_refusal(content, coding or "", deadline)
        elif coding is not None:
            try:
                content = decompress(content, coding, deadline)
            except (OSError, ValueError) as error:
                raise _failure(error, head, deadline) from error
        return Reply(head.status, head.reason, Headers(head.fields), content)

    def retire(self) -> None:
        """End the connection for both sides, also while another thread reads from it."""
        with contextlib.suppress(OSError):  # it has ended already
            self._raw.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket without a TLS goodbye: a forked parent may go on using the session."""
        self.reusable = False
        self._close_socket()

    def _send(self, message: memoryview) -> bool:
        """Send a request; return whether all of it went out."""
        try:
            self._socket.send_all(message)
        except OSError:
            # A server may refuse a body before it has all of it, and hang up: its answer counts
            # for more than the broken pipe (RFC 9112, section 9.5).
            if not self._incoming.has_come():
                raise
            return False  # what is missing would be read as the next request
        return True

    def _read_final_head(self) -> Head:
        for _ in range(_MAX_INTERIM + 1):
            head = self._incoming.read_head()
            if head.status >= 200:
                return head
            if head.status == 101:
                raise NotHttpError("it switches protocols unasked")
        raise NotHttpError(f"more than {_MAX_INTERIM} interim responses came before it")


def _failure(error: Exception, head: Optional[Head], patience: Deadline) -> TransportError:
    """Return the typed error for what went wrong after the request began to be sent.

    Args:
        error: What was raised.
        head: The response's head, if it has come.
        patience: What bounded the wait, if it was one that ended with nothing.
    """
    doing = "waiting for the response" if head is None else "reading the response"
    failure: TransportError
    if isinstance(error, socket.timeout) and error.errno is None:
        failure = patience.timed_out(doing)
    elif isinstance(error, ssl.SSLError) and not is_lost(error):
        # With TLS 1.3 a server looks at the client's certificate after the handshake.
        advice = "check whether the server wants a client certificate (ssl_context=)"
        failure = TlsError(f"TLS failed while {doing}: {error}; {advice}")
    elif isinstance(error, OSError):
        failure = NetworkError(f"the connection was lost while {doing}: {error}")
    else:
        failure = InvalidResponseError(f"the server's answer is not valid HTTP: {error}")
    failure.outcome_unknown = True
    if head is not None:
        failure.http_status = head.status
        failure.request_id = head.fields.get("x-request-id")
    return failure


def rendered(request: Request, proxy_header: Optional[str] = None) -> memoryview:
    """Write a request as bytes (RFC 9112, sections 3 and 5).

    The key is written last and inside one expression: it stands in no variable.

    Args:
        request: The request.
        proxy_header: None, or the Proxy-Authorization line ("" for none) of a plain-http proxy,
            which is told the whole URL (section 3.2.2).
    """
    target = request.target
    if proxy_header is not None:
        target = f"http://{request.headers['Host']}{target}"
    fields = "\r\n".join(map(": ".join, request.headers.items()))
    return memoryview(
        f"{request.method} {target} HTTP/1.1\r\n{fields}\r\n"
        f"Authorization: {request.api_key.bearer()}\r\n{proxy_header or ''}\r\n".encode("latin-1")
        + (request.body or b"")
    )
