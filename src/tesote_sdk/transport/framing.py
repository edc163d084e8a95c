"""How responses are framed (RFC 9112): heads, bodies of a length, chunks, and what is none of them.

What comes is read whole, and no more is taken for whole than came whole. What contradicts itself is
read as the RFC says, and ends the connection.
"""

from __future__ import annotations

import io
import re
from typing import Optional

from .content_coding import MAX_CONTENT
from .sockets import TimedSocket

_MAX_HEAD = 65536
_MAX_FIELDS = 100
"""Bytes and fields of one head."""

_BEGINNING = b"HTTP/1."

_WHITE_SPACE = " \t"
"""RFC 9110, section 5.6.3. Python strips more of a str, which a proxy may take for a value."""

_USUAL = {
    spelled: name.lower()
    for name in (
        *("Age", "Cache-Control", "Connection", "Content-Encoding", "Content-Length"),
        *("Content-Security-Policy", "Content-Type", "Date", "ETag", "Expires", "Keep-Alive"),
        *("Last-Modified", "Link", "Location", "Pragma", "Referrer-Policy", "Retry-After"),
        *("Server", "Set-Cookie", "Strict-Transport-Security", "Transfer-Encoding", "Vary", "Via"),
        *("X-Cache", "X-Content-Type-Options", "X-Download-Options", "X-Frame-Options"),
        *("X-Permitted-Cross-Domain-Policies", "X-RateLimit-Limit", "X-RateLimit-Remaining"),
        *("X-RateLimit-Reset", "X-Request-Id", "X-Runtime", "X-XSS-Protection"),
    )
    for spelled in (name, name.lower())
}
"""Names that most answers have, in lower case by how they are spelled: those need no check."""

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
        self._body: Optional[io.BytesIO] = None
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
        self._body = None
        while not (end := _HEAD_END(self._held, self._at)):
            begun = self._held[self._at :]
            if len(begun) > _MAX_HEAD:
                raise NotHttpError(f"its head is larger than {_MAX_HEAD} bytes")
            # What begins otherwise is wrong at once: an HTTP/0.9 answer may have no end.
            if not begun.startswith(_BEGINNING[: len(begun)]):
                raise NotHttpError("it does not begin with an HTTP/1 status line")
            self._receive()
        text = self._held[self._at : end.start()].decode("latin-1").removesuffix("\r")
        self._at = end.end()
        first, *others = _lines(text)
        status, reason, minor = _status(first)
        if len(text) > _MAX_HEAD:
            raise NotHttpError(f"its head is larger than {_MAX_HEAD} bytes")
        return Head(status, reason, minor, _fields(others))

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
            self._keep(piece)
            count -= len(piece)
            if not count:
                return
            self._receive()

    def read_to_end(self) -> None:
        """Read a body that the connection's end is the end of."""
        size = 0
        while True:
            piece = self._held[self._at :]
            self._keep(piece)
            size += len(piece)
            if size > MAX_CONTENT:
                raise NotHttpError(f"it is larger than the {MAX_CONTENT} bytes that the SDK reads")
            came = self._socket.receive()
            if not came:
                return
            self._hold(came)

    def take_body(self) -> bytes:
        """Return what was read of a body, and forget it."""
        body, self._body = self._body, None
        self._held, self._at = self._held[self._at :], 0
        return b"" if body is None else body.getvalue()

    def _keep(self, piece: bytes) -> None:
        """Add a piece, the next of what is held, to the body."""
        self._at += len(piece)
        if self._body is None:
            # Of a body that came in one piece, as most do, BytesIO makes no copy.
            self._body = io.BytesIO(piece)
            self._body.seek(len(piece))
        else:
            self._body.write(piece)

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


def _lines(text: str) -> list[str]:
    """Split a head into its lines, in which neither line ends nor null characters are left."""
    lines = text.split("\r\n")
    ends = len(lines) - 1
    if text.count("\n") == ends and text.count("\r") == ends and "\0" not in text:
        return lines
    # What is left is dangerous wherever a field is copied to (RFC 9110, section 5.5).
    text = text.replace("\r\n", "\n").replace("\r", " ").replace("\0", " ")
    return text.split("\n")


def _status(line: str) -> tuple[int, str, int]:
    """Return the status, the reason phrase and the minor version of HTTP that a line tells."""
    if line == "HTTP/1.1 200 OK":  # as nearly all are
        return 200, "OK", 1
    matched = _STATUS_LINE(line)
    if not matched:
        raise NotHttpError("it does not begin with an HTTP/1 status line")
    minor, status, reason = matched.groups("")
    return int(status), reason.strip(), int(minor)


def _fields(lines: list[str]) -> dict[str, str]:
    """Return header fields by their name in lower case, a repeated one's values joined."""
    if len(lines) > _MAX_FIELDS:
        raise NotHttpError(f"it has more than {_MAX_FIELDS} header fields")
    fields: dict[str, str] = {}
    last = ""
    for line in lines:
        name, colon, value = line.partition(":")
        if name in _USUAL and colon:  # not .get, for which threads without the GIL would queue
            last = _USUAL[name]
        elif colon and name and name == name.strip():
            last = name.lower()
        elif last and line[:1] in " \t":
            # Obsolete line folding (RFC 9112, section 5.2).
            fields[last] = f"{fields[last]} {line.strip(_WHITE_SPACE)}"
            continue
        else:
            raise NotHttpError("a header line has no name")
        value = value.strip(_WHITE_SPACE)
        fields[last] = f"{fields[last]}, {value}" if last in fields else value
    return fields


def stays_open(head: Head) -> bool:
    """Tell whether the server keeps the connection (RFC 9112, section 9.3)."""
    options = head.fields.get("connection")
    if options is None:
        return head.minor > 0
    named = [option.strip() for option in options.lower().split(",")]
    return "close" not in named and (head.minor > 0 or "keep-alive" in named)


def read_body(incoming: Incoming, method: str, head: Head) -> bool:
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
        if coding.lower() != "chunked":
            raise NotHttpError("its transfer encoding is not chunked")
        # Two framings at once, or one that HTTP/1.0 does not know, are how responses are smuggled
        # past a proxy: read, then hang up (section 6.1).
        return _read_chunks(incoming) and length is None and head.minor > 0
    if length is None:
        incoming.read_to_end()
        return False
    matched = _LENGTH(length)
    if not matched:
        raise NotHttpError("its Content-Length is not a single number")
    size = int(matched[1])
    if size > MAX_CONTENT:
        raise NotHttpError(f"it is larger than the {MAX_CONTENT} bytes that the SDK reads")
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
