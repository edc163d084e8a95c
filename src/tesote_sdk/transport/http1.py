"""HTTP/1.1 on one connection: a request goes out, a response comes in, nothing is left behind.

Requests are written and responses read by RFC 9112, and no more is taken for whole than came
whole. Socket errors become the SDK's errors here, where it is known how far the exchange had come.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import weakref
from typing import Optional

from ..errors import InvalidResponseError, NetworkError, TlsError, TransportError
from .content_coding import MAX_CONTENT, decompress, readable_refusal
from .messages import Headers, Reply, Request
from .sockets import TimedSocket, bound_silence, is_lost
from .timeouts import Deadline

_MAX_HEAD = 65536
_MAX_FIELDS = 100
_MAX_INTERIM = 100
"""Bytes and fields of one head, and heads before the final one (RFC 9110, section 15.2)."""

_BEGINNING = b"HTTP/1."

_HEAD_END = re.compile(rb"\n\r?\n").search
"""The bare line feed is for servers that end their lines so (RFC 9112, section 2.2)."""

_STATUS_LINE = re.compile(r"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: (.*))?").fullmatch
"""RFC 9112, section 4; the reason phrase and its space may be missing."""

_LENGTH = re.compile(r"([0-9]{1,18})(?:[ \t]*,[ \t]*\1)*").fullmatch
"""RFC 9110, section 8.6: sent twice, it is one length if both are the same."""

_CHUNK_SIZE = rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r\n"
"""RFC 9112, section 7.1, with the white space that some servers pad the size with."""


class NotHttpError(Exception):
    """What came is no HTTP/1 response, or a larger one than is read."""


class Head:
    """The status line and the header fields of a response; its repr shows no value.

    Attributes:
        minor: The minor version of HTTP/1.
        fields: By name in lower case; a repeated field's values are joined by a comma.
    """

    __slots__ = ("fields", "minor", "reason", "status")

    def __init__(self, status: int, reason: str, minor: int, fields: dict[str, str]) -> None:
        self.status: int = status
        self.reason: str = reason
        self.minor: int = minor
        self.fields: dict[str, str] = fields


class Incoming:
    """What comes over a connection: heads, lines, and bodies put together of pieces.

    Attributes:
        heard: Whether anything has come since this was last set to False.
    """

    __slots__ = ("_at", "_body", "_held", "_socket", "heard")

    def __init__(self, sock: TimedSocket) -> None:
        self._socket = sock
        self._held = b""
        self._at = 0
        self._body: list[bytes] = []
        self.heard: bool = False

    def is_quiet(self) -> bool:
        """Tell whether nothing is left to read, nothing has come and the peer is still there."""
        try:
            return self._at == len(self._held) and self._socket.receive_now() is None
        except OSError:
            return False

    def has_come(self) -> bool:
        """Take in what is there already; tell whether there is anything to read."""
        try:
            self._hold(self._socket.receive_now() or b"")
        except OSError:
            return False
        return self._at < len(self._held)

    def read_head(self) -> Head:
        """Read a status line and header fields (RFC 9112, sections 4 and 5).

        Raises:
            ConnectionError: The head is cut short.
            NotHttpError: It is no head of an HTTP/1 response, or too long.
        """
        self._body = []
        while not (end := _HEAD_END(self._held, self._at)):
            begun = self._held[self._at :]
            if len(begun) > _MAX_HEAD:
                raise NotHttpError(f"its head is larger than {_MAX_HEAD} bytes")
            # What begins otherwise is wrong at once: an HTTP/0.9 answer may have no end.
            if not begun.startswith(_BEGINNING[: len(begun)]):
                raise NotHttpError("it does not begin with an HTTP/1 status line")
            self._receive()
        text = self._held[self._at : end.start()].decode("latin-1")
        self._at = end.end()
        first, *others = text.split("\n")
        status_line = _STATUS_LINE(first.rstrip("\r"))
        if not status_line:
            raise NotHttpError("it does not begin with an HTTP/1 status line")
        if len(text) > _MAX_HEAD:
            raise NotHttpError(f"its head is larger than {_MAX_HEAD} bytes")
        minor, status, reason = status_line.groups("")
        return Head(int(status), reason.strip(), int(minor), _fields(others))

    def read_line(self) -> bytes:
        """Read a line, and return it with its end."""
        while (end := self._held.find(b"\n", self._at)) < 0:
            if len(self._held) - self._at > _MAX_HEAD:
                raise NotHttpError("a line of it is too long")
            self._receive()
        line = self._held[self._at : end + 1]
        self._at = end + 1
        return line

    def read_into_body(self, count: int) -> None:
        """Read so many bytes of a body."""
        while True:
            piece = self._held[self._at : self._at + count]
            self._body.append(piece)
            self._at += len(piece)
            count -= len(piece)
            if not count:
                return
            self._receive()

    def read_to_end(self) -> None:
        """Read a body that the connection's end is the end of."""
        size = 0
        while True:
            piece = self._held[self._at :]
            self._body.append(piece)
            self._at += len(piece)
            size += len(piece)
            if size > MAX_CONTENT:
                raise NotHttpError(f"it is larger than the {MAX_CONTENT} bytes that the SDK reads")
            came = self._socket.receive()
            if not came:
                return
            self._hold(came)

    def take_body(self) -> bytes:
        """Return what was read of a body, and forget it."""
        pieces, self._body = self._body, []
        self._held, self._at = self._held[self._at :], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _receive(self) -> None:
        """Wait for more."""
        came = self._socket.receive()
        if not came:
            raise ConnectionError("the server closed the connection")
        self._hold(came)

    def _hold(self, came: bytes) -> None:
        self._held = self._held[self._at :] + came if self._at < len(self._held) else came
        self._at = 0
        self.heard = self.heard or bool(came)


class Http1Connection:
    """A connected socket and the HTTP/1.1 spoken over it, one exchange at a time.

    Attributes:
        busy: Whether an exchange is under way.
        reusable: Whether the last response was read to its end and the server keeps the
            connection open.
        peer: The address that it leads to.
        made_with: The class of sockets then; a program that is made cooperative later (gevent,
            eventlet) puts another in its place, and a socket of the old one would block all.
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
        with contextlib.suppress(OSError):  # it is lost already, as the exchange will tell
            self.peer = sock.getpeername()
            bound_silence(sock, read_timeout)
        self._socket = TimedSocket(sock, deadline, read_timeout)
        self._incoming = Incoming(self._socket)
        self.busy: bool = False
        self.reusable: bool = False
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
            ends_open = _read_body(incoming, method, head)
            self.reusable = sent_whole and ends_open and _stays_open(head)
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

    def is_quiet(self) -> bool:
        """Tell whether an idle connection may be used again: no end and no bytes have come.

        Looking at it also lets TLS take in what needs no answer, such as a session ticket.
        """
        return self._incoming.is_quiet()

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
        for _ in range(_MAX_INTERIM):
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


def _fields(lines: list[str]) -> dict[str, str]:
    """Return header fields by their name in lower case, a repeated one's values joined."""
    if len(lines) > _MAX_FIELDS:
        raise NotHttpError(f"it has more than {_MAX_FIELDS} header fields")
    fields: dict[str, str] = {}
    last = ""
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            if not last or line[:1] not in " \t":
                raise NotHttpError("a header line has no name")
            # Obsolete line folding (RFC 9112, section 5.2).
            fields[last] = f"{fields[last]} {line.strip()}"
            continue
        last = name.lower()
        value = value.strip()
        fields[last] = f"{fields[last]}, {value}" if last in fields else value
    return fields


def _stays_open(head: Head) -> bool:
    """Tell whether the server keeps the connection (RFC 9112, section 9.3)."""
    options = head.fields.get("connection")
    if options is None:
        return head.minor > 0
    named = [option.strip() for option in options.lower().split(",")]
    return "close" not in named and (head.minor > 0 or "keep-alive" in named)


def _read_body(incoming: Incoming, method: str, head: Head) -> bool:
    """Read the body, framed as RFC 9112, section 6.3, says; its cases are in this order.

    Returns:
        Whether another response may follow: what contradicts itself ends the connection.
    """
    coding = head.fields.get("transfer-encoding")
    length = head.fields.get("content-length")
    if method == "HEAD":
        return True
    if head.status in (204, 304):
        # A server that speaks of a body here may send one: it would be read as the next answer.
        return coding is None and (length is None or length.strip("0, \t") == "")
    if coding is not None:
        if coding.strip().lower() != "chunked":
            raise NotHttpError("its transfer encoding is not chunked")
        # Two framings at once are how responses are smuggled past a proxy: read, then hang up.
        return _read_chunks(incoming) and length is None
    if length is None:
        incoming.read_to_end()
        return False
    matched = _LENGTH(length)
    if not matched:
        raise NotHttpError("its Content-Length is not a single number")
    size = int(matched[1])
    if size > MAX_CONTENT:
        raise NotHttpError(f"its {size} bytes are more than the SDK reads")
    incoming.read_into_body(size)
    return True


def _read_chunks(incoming: Incoming) -> bool:
    """Read a body in chunks, and the trailer after it (RFC 9112, section 7.1).

    Returns:
        Whether the trailer came whole: of some servers it does not.
    """
    total = 0
    while True:
        matched = re.fullmatch(_CHUNK_SIZE, incoming.read_line())
        if not matched:
            raise NotHttpError("a chunk has no size")
        size = int(matched[1], 16)
        if size == 0:
            break
        total += size
        if total > MAX_CONTENT:
            raise NotHttpError(f"it is larger than the {MAX_CONTENT} bytes that the SDK reads")
        incoming.read_into_body(size)
        if incoming.read_line() != b"\r\n":
            raise NotHttpError("a chunk is longer than its size")
    try:
        for _ in range(_MAX_FIELDS):
            if incoming.read_line() in (b"\r\n", b"\n"):
                return True
    except ConnectionError:
        return False
    raise NotHttpError(f"its trailer has more than {_MAX_FIELDS} fields")
