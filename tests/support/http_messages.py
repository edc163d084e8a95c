"""HTTP/1.1 messages as they stand on the wire: what a test server reads, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Callable, NamedTuple

HeaderList = list[tuple[str, str]]


class TruncatedError(EOFError):
    """The stream ended in the middle of a message."""


class Headers(Mapping[str, str]):
    """Header fields by case-insensitive name.

    A field sent several times is joined with ", " (RFC 9110, section 5.3).
    """

    def __init__(self, pairs: HeaderList) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


@dataclass(frozen=True)
class Request:
    """One request as the server received it.

    Attributes:
        raw: The bytes exactly as received, head and body, chunk framing included.
        method: The method, as sent.
        target: The request target, as sent (path with query, absolute URL, or host:port).
        version: The HTTP version of the request line, such as "HTTP/1.1".
        header_list: The header fields as sent: order, case and repetitions kept.
        headers: The same fields by case-insensitive name.
        body: The body with its chunk framing undone; empty when it was left unread.
        connection: Number of the connection it came over; the first one accepted is 1.
        arrived: `time.monotonic()` seconds at its first byte.
    """

    raw: bytes
    method: str
    target: str
    version: str
    header_list: HeaderList
    headers: Headers
    body: bytes
    connection: int
    arrived: float


class Head(NamedTuple):
    """Start line and header fields of a request or a response."""

    start_line: str
    header_list: HeaderList
    headers: Headers


class MessageReader:
    """Cuts a byte stream into messages, and keeps the bytes of the current one.

    Args:
        receive: Returns the next bytes of the stream, `b""` at its end.
    """

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._raw = bytearray()

    @property
    def has_buffered(self) -> bool:
        """Whether bytes of a next message have already been received."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add bytes that were received elsewhere."""
        self._buffer += data

    def take_raw(self) -> bytes:
        """Return the bytes read since the last call: those of the message just read."""
        raw = bytes(self._raw)
        self._raw.clear()
        return raw

    def take_rest(self) -> bytes:
        """Return everything that was received and not yet taken, read or not."""
        rest = bytes(self._raw + self._buffer)
        self._raw.clear()
        self._buffer.clear()
        return rest

    def read_head(self) -> Head:
        """Read a start line and the header fields below it.

        Raises:
            TruncatedError: The stream ended before the empty line.
            ValueError: A field line has no colon, or starts with white space.
        """
        start_line, *lines = self._take_until(b"\r\n\r\n")[:-4].decode("latin-1").split("\r\n")
        pairs = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not name:
                raise ValueError(f"not a header field: {line!r}")
            pairs.append((name, value.strip(" \t")))
        return Head(start_line, pairs, Headers(pairs))

    def read_body(self, headers: Headers) -> bytes:
        """Read a body delimited by its headers (RFC 9112, section 6.3); none without them.

        Returns:
            The body, its chunk framing undone.

        Raises:
            TruncatedError: The stream ended first.
            ValueError: A length that is no number.
        """
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        return self._take(int(headers.get("Content-Length", "0")))

    def read_to_end(self) -> None:
        """Read until the stream ends: a response without a length."""
        while data := self._receive():
            self._raw += data

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := int(self._take_until(b"\r\n").split(b";")[0], 16):
            body += self._take(size)
            if self._take(2) != b"\r\n":
                raise ValueError("a chunk is longer than its size says")
        while self._take_until(b"\r\n") != b"\r\n":
            pass
        return bytes(body)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        return self._consume(size)

    def _take_until(self, mark: bytes) -> bytes:
        searched = 0
        while (found := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark))
            self._fill()
        return self._consume(found + len(mark))

    def _consume(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._raw += data
        return data

    def _fill(self) -> None:
        data = self._receive()
        if not data:
            raise TruncatedError("the stream ended inside a message")
        self._buffer += data
