"""HTTP/1.1 on a socket: one request read, one response head written (RFC 9112)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from .hosts import names_this_machine
from .messages import Headers, RecordedRequest

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

BASE_PATH = "/api"
MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
_MAX_QUERY_FIELDS = 1000
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class MalformedRequest(Exception):  # noqa: N818 - the client's mistake, told as a response
    """A request that cannot be read; the connection ends after the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class HangUp(Exception):  # noqa: N818 - an ending, not an error
    """The client closed the connection."""


class RequestReader:
    """Reads the requests of one connection, one after the other."""

    def __init__(self, sock: socket.socket, connection: int, host: str) -> None:
        self._sock = sock
        self._connection = connection
        self._host = host
        self._buffer = b""

    def read(self) -> RecordedRequest:
        """The next request, body included.

        Raises:
            HangUp: The client closed the connection.
            MalformedRequest: The bytes are no HTTP request that is served here.
            OSError: The connection broke.
        """
        lines = self._read_head().decode("latin-1").split("\r\n")
        method, target, version = _request_line(lines[0])
        headers = Headers([_field(line) for line in lines[1:]])
        authority, origin_form = _split_target(target)
        self._check_host(headers.get("Host") if authority is None else authority, version)
        body = self._read_body(headers)
        path, _, query = origin_form.partition("?")
        below_base = path.startswith(BASE_PATH + "/")
        try:
            items = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
        except ValueError as error:
            raise MalformedRequest(400, "Too many query parameters") from error
        return RecordedRequest(
            method=method,
            target=target,
            path=path[len(BASE_PATH) :] if below_base else path,
            query=dict(items),
            query_items=items,
            headers=headers,
            body=body,
            connection=self._connection,
            http_version=version,
            below_base=below_base,
        )

    def _check_host(self, authority: str | None, version: str) -> None:
        if authority is None and version == "HTTP/1.0":
            return
        ours = names_this_machine(authority or "", self._host)
        if ours is None:  # missing, twice or odd (RFC 9112 section 3.2)
            raise MalformedRequest(400, "Send one Host field with a host in it")
        if not ours:
            raise MalformedRequest(
                421, "This sandbox serves requests to a loopback host, and to the one it listens on"
            )

    def _read_head(self) -> bytes:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise MalformedRequest(431, "Request header too large")
            self._receive()
            # Empty lines before a request line are to be skipped (RFC 9112 section 2.2).
            self._buffer = self._buffer.lstrip(b"\r\n")
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :].lstrip(b"\r\n")
        return head

    def _read_body(self, headers: Headers) -> bytes:
        length = headers.get("Content-Length")
        encoding = headers.get("Transfer-Encoding")
        if length is None and encoding is None:
            return b""
        if length is not None and encoding is not None:
            raise MalformedRequest(400, "Both Content-Length and Transfer-Encoding")
        if length is not None and not (length.isascii() and length.isdigit()):
            raise MalformedRequest(400, "Content-Length is not a number")
        if length is not None and (len(length) > 20 or int(length) > MAX_BODY_BYTES):
            raise MalformedRequest(413, f"The body is larger than {MAX_BODY_BYTES} bytes")
        if encoding is not None and encoding.lower() != "chunked":
            raise MalformedRequest(501, "Only the chunked transfer encoding is understood")
        if headers.get("Expect", "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self._read_chunks() if length is None else self._read_exactly(int(length))

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            size_text = self._read_line().partition(b";")[0].strip()
            try:
                size = int(size_text, 16)
            except ValueError as error:
                raise MalformedRequest(400, "Bad chunk size") from error
            if size < 0 or len(body) + size > MAX_BODY_BYTES:
                raise MalformedRequest(413, f"The body is larger than {MAX_BODY_BYTES} bytes")
            if size == 0:
                while self._read_line():  # trailer fields, of no interest
                    pass
                return bytes(body)
            body += self._read_exactly(size)
            if self._read_line():
                raise MalformedRequest(400, "A chunk is longer than its size")

    def _read_line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise MalformedRequest(400, "Line too long")
            self._receive()
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

    def _read_exactly(self, size: int) -> bytes:
        chunks = [self._buffer[:size]]
        self._buffer = self._buffer[size:]
        missing = size - len(chunks[0])
        while missing:
            chunk = self._sock.recv(min(missing, 1 << 18))
            if not chunk:
                raise HangUp
            chunks.append(chunk)
            missing -= len(chunk)
        return b"".join(chunks)

    def _receive(self) -> None:
        chunk = self._sock.recv(1 << 16)
        if not chunk:
            raise HangUp
        self._buffer += chunk


def format_head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and header section of a response, up to and with the empty line."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def wants_keep_alive(request: RecordedRequest) -> bool:
    """Whether the connection outlives the response (RFC 9112 section 9.3)."""
    tokens = {token.strip().lower() for token in request.headers.get("Connection", "").split(",")}
    if request.http_version == "HTTP/1.0":
        return "keep-alive" in tokens
    return "close" not in tokens


def _request_line(line: str) -> tuple[str, str, str]:
    words = line.split(" ")
    if len(words) != 3 or not all(words):
        raise MalformedRequest(400, "Bad request line")
    method, target, version = words
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise MalformedRequest(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here")
    return method, target, version


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise MalformedRequest(400, "Bad header field")
    return name, value.strip(" \t")


def _split_target(target: str) -> tuple[str | None, str]:
    # A client that goes through a proxy sends the absolute form, whose authority then counts
    # instead of the Host field (RFC 9112 section 3.2.2).
    if not target.startswith("http://"):
        return None, target
    authority, slash, rest = target[len("http://") :].partition("/")
    return authority, slash + rest or "/"


def accepts_gzip(headers: Headers) -> bool:
    """Whether `Accept-Encoding` names gzip with a weight above zero (RFC 9110 section 12.5.3)."""
    for item in headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
