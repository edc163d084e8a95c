"""HTTP/1.1 on one connection: a request goes out, a response comes in, nothing is left behind.

The framing of bodies (lengths, chunks, reading to the end) is `http.client`'s. What is replaced is
its head parser, which builds an e-mail message for every response, takes a cut-off head for a
whole one and knows no 1xx but 100. Socket errors become the SDK's errors here, where it is known
how far the exchange had come.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import weakref
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidResponseError, NetworkError, TlsError, TransportError
from .content_coding import MAX_CONTENT, decompress
from .messages import Headers
from .sockets import TimedSocket

if TYPE_CHECKING:
    from .timeouts import Deadline

    Reader = io.BufferedReader[Any]

_MAX_LINE = 65536
_MAX_FIELDS = 100
"""The limits of `http.client` for one header line and for their number."""

_PIECE = 65536

_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: (.*))?").fullmatch
"""RFC 9112, section 4; the reason phrase and its space may be missing."""

_EMPTY_LINES = (b"\r\n", b"\n")
"""The second is for servers that end their lines so (RFC 9112, section 2.2)."""

_LENGTH = re.compile("[0-9]{1,18}").fullmatch

_CHUNK_SIZE = rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?"
"""RFC 9112, section 7.1, with the white space that some servers pad the size with."""


class Reply:
    """A whole response, its content encoding undone.

    Neither its repr nor a crash reporter that takes tuples apart shows the content.

    Attributes:
        resent: Whether the request went out before, on a connection that was lost: that first
            copy, too, may have been carried out.
    """

    __slots__ = ("content", "headers", "reason", "resent", "status")

    def __init__(self, status: int, reason: str, headers: Headers, content: bytes) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.content = content
        self.resent = False

    def __repr__(self) -> str:
        return f"<Reply {self.status}, {len(self.content)} bytes>"


class Http1Connection:
    """A connected socket and the HTTP/1.1 spoken over it, one exchange at a time.

    Attributes:
        answered: Whether the last exchange got at least one byte of a response.
        reusable: Whether the last response was read to its end and the server keeps the
            connection open.
        idle_since: When the connection was put aside, on the pool's clock.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._raw = TimedSocket(sock)
        self._reader: Reader = io.BufferedReader(self._raw, _PIECE)
        self.answered = False
        self.reusable = False
        self.idle_since = 0.0
        # A finalizer holds the socket until it has closed it; of __del__, a collector that finds
        # both in one cycle may call the socket's first, which warns of a socket left open.
        self._close_socket = weakref.finalize(self, sock.close)

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
        self._raw.deadline, self._raw.read_timeout = deadline, read_timeout
        self.answered = self.reusable = False
        response = _Response(self, method)
        try:
            sent_whole = True
            try:
                self._raw.send_all(message)
            except OSError:
                # A server may refuse a body before it has all of it, and hang up: its answer
                # counts for more than the broken pipe (RFC 9112, section 9.5).
                if not self._answer_is_waiting():
                    raise
                sent_whole = False  # what is missing would be read as the next request
            response.begin()
        except (OSError, HTTPException) as error:
            raise self._failure(
                error, "waiting for the response", response
            ) from error.with_traceback(None)
        headers = Headers(response.fields)
        received = io.BytesIO()
        try:
            received = _read_content(response, received)
            self.reusable = sent_whole and not response.will_close and response.isclosed()
            content = decompress(received.getvalue(), headers.get("content-encoding", ""))
        except (OSError, ValueError, HTTPException) as error:
            if response.status >= 300:
                # What the server refused is known, whatever became of its explanation.
                content = b"" if "content-encoding" in headers else received.getvalue()
                return Reply(response.status, response.reason, headers, content)
            raise self._failure(error, "reading the response", response) from error.with_traceback(
                None
            )
        return Reply(response.status, response.reason, headers, content)

    def is_quiet(self) -> bool:
        """Tell whether an idle connection may be used again: no end and no bytes have come.

        Looking at it also lets TLS take in what needs no answer, such as a session ticket.
        """
        self._raw.deadline = None
        try:
            self._reader.peek(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close the socket without a TLS goodbye: a forked parent may go on using the session."""
        self._close_socket()

    def makefile(self, mode: str) -> Reader:
        """Give `http.client`'s response the connection's one reader.

        A reader for each response would swallow bytes that arrive after the response's end.
        """
        return self._reader

    def _answer_is_waiting(self) -> bool:
        deadline, self._raw.deadline = self._raw.deadline, None
        try:
            return bool(self._reader.peek(1))
        except OSError:
            return False
        finally:
            self._raw.deadline = deadline

    def _failure(self, error: Exception, doing: str, response: _Response) -> TransportError:
        """Return the typed error for what went wrong after the request began to be sent."""
        failure: TransportError
        if isinstance(error, socket.timeout) and error.errno is None:
            deadline = cast("Deadline", self._raw.deadline)
            failure = deadline.timed_out(doing, "read")
        elif isinstance(error, ssl.SSLError) and not is_lost(error):
            # With TLS 1.3 a server looks at the client's certificate after the handshake.
            advice = "check that a client certificate is not missing (ssl_context=)"
            failure = TlsError(f"TLS failed while {doing}: {error}; {advice}")
        elif isinstance(error, (OSError, IncompleteRead)):
            failure = NetworkError(f"the connection was lost while {doing}: {error}")
        else:
            failure = InvalidResponseError(f"the server's answer is not valid HTTP: {error}")
        failure.outcome_unknown = True
        if response.fields:
            failure.http_status = response.status
            failure.request_id = response.fields.get("x-request-id")
        return failure


class _Response(HTTPResponse):
    """`http.client`'s response with a head parser of our own and a reader that outlives it."""

    def __init__(self, connection: Http1Connection, method: str) -> None:
        super().__init__(cast("socket.socket", connection), method=method)
        self._connection = connection
        self._asked_with = method
        self.fields: dict[str, str] = {}

    def begin(self) -> None:
        """Read the head of the final response and decide how its body is framed.

        RFC 9112, section 6.3, lists the cases in this order.
        """
        while True:
            status, self.reason, minor, fields = read_head(self.fp, self._connection)
            if status >= 200:
                break
            if status == 101:
                raise HTTPException("it switches protocols unasked")
        self.status = self.code = status
        self.fields = fields
        self.version = 10 + minor
        options = {option.strip() for option in fields.get("connection", "").lower().split(",")}
        self.will_close = "close" in options or (minor == 0 and "keep-alive" not in options)
        self.chunked, self.chunk_left, self.length = False, None, None
        encoding = fields.get("transfer-encoding")
        length = fields.get("content-length")
        if status in (204, 304) or self._asked_with == "HEAD":
            self.length = 0
        elif encoding is not None:
            if encoding.strip().lower() != "chunked":
                raise HTTPException("its transfer encoding is not chunked")
            self.chunked = True
            # Two framings at once are how responses are smuggled past a proxy: read, then hang up.
            self.will_close = self.will_close or length is not None
        elif length is not None:
            lengths = {value.strip() for value in length.split(",")}
            (value,) = lengths if len(lengths) == 1 else ("",)
            if not _LENGTH(value):
                raise HTTPException("its Content-Length is no single number")
            self.length = int(value)
        else:
            self.will_close = True

    def _read_next_chunk_size(self) -> int:
        # http.client's own takes "-1", which is all that ever comes, for a size, and garbage for
        # the connection's end.
        size = re.fullmatch(_CHUNK_SIZE, _whole(self.fp.readline(_MAX_LINE + 1)))
        if not size:
            raise HTTPException("a chunk has no size")
        return int(size[1], 16)

    def flush(self) -> None:
        # Closing calls it, and so does the collector, to which the reader may be lost already.
        pass

    def _close_conn(self) -> None:
        # Called when the response has been read to its end: the reader is the connection's.
        self.fp = None  # type: ignore[assignment]


def is_lost(error: ssl.SSLError) -> bool:
    """Tell whether a TLS error means no more than that the connection is gone."""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return True
    # Python 3.9 has no class for what OpenSSL 3 says of an end without close_notify.
    return getattr(error, "reason", None) == "UNEXPECTED_EOF_WHILE_READING"


def read_head(
    reader: Reader, connection: Http1Connection | None = None
) -> tuple[int, str, int, dict[str, str]]:
    """Read a status line and header fields (RFC 9112, sections 4 and 5).

    Args:
        reader: Where they come from.
        connection: Told when the first byte of an answer is there.

    Returns:
        The status, the reason phrase, the minor version of HTTP/1, and the fields by their name in
        lower case; a repeated field's values are joined by a comma.

    Raises:
        ConnectionError: The head is cut short.
        HTTPException: It is no head of an HTTP/1 response, or too long.
    """
    line = reader.readline(_MAX_LINE + 1)
    if connection is not None and line:
        connection.answered = True
    # What begins otherwise is wrong at once: the line of an HTTP/0.9 answer may have no end.
    begins = b"HTTP/1.".startswith(line[:7])
    status_line = _STATUS_LINE(_whole(line)) if begins else None
    if not status_line:
        raise HTTPException("it does not begin with an HTTP/1 status line")
    minor, status, reason = status_line.groups(b"")
    fields: dict[str, str] = {}
    name = ""
    for _ in range(_MAX_FIELDS + 1):
        line = reader.readline(_MAX_LINE + 1)
        if line in _EMPTY_LINES:
            return int(status), reason.decode("latin-1").strip(), int(minor), fields
        if not line.endswith(b"\n"):
            raise _cut_off(line)
        text = line.decode("latin-1")
        if text[0] in " \t" and name:
            # Obsolete line folding (RFC 9112, section 5.2).
            fields[name] = f"{fields[name]} {text.strip()}"
            continue
        name, colon, value = text.partition(":")
        if not colon or not name or name != name.strip():
            raise HTTPException("a header line has no name")
        name = name.lower()
        value = value.strip()
        if name in fields:
            value = f"{fields[name]}, {value}"
        fields[name] = value
    raise HTTPException(f"it has more than {_MAX_FIELDS} header fields")


def _whole(line: bytes) -> bytes:
    """Return a line without its end, which a cut-off line does not have."""
    if line.endswith(b"\n"):
        return line[:-2] if line.endswith(b"\r\n") else line[:-1]
    raise _cut_off(line)


def _cut_off(line: bytes) -> Exception:
    if len(line) > _MAX_LINE:
        return HTTPException("a line of its head is too long")
    return ConnectionError("the server closed the connection")


def _read_content(response: _Response, into: io.BytesIO) -> io.BytesIO:
    if response.length is not None:
        if response.length > MAX_CONTENT:
            raise HTTPException(f"{response.length} bytes are more than the SDK reads")
        try:
            # Made of the bytes, it shares them, where write() and getvalue() would copy.
            return io.BytesIO(response.read())
        except IncompleteRead as error:
            into.write(error.partial)
            raise
    while piece := response.read(_PIECE):
        into.write(piece)
        if into.tell() > MAX_CONTENT:
            raise HTTPException(f"more than {MAX_CONTENT} bytes are more than the SDK reads")
    return into
