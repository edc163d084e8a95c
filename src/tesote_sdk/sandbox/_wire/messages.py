"""The messages that pass between the layers: a request as it came in, a reply as it will go out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional


class Headers(Mapping[str, str]):
    """Header fields by name, in any case (RFC 9110 section 5.1).

    Fields sent more than once are joined with a comma (RFC 9110 section 5.3).
    """

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._fields: dict[str, tuple[str, str]] = {}
        for name, value in fields:
            known = self._fields.get(name.lower())
            self._fields[name.lower()] = (
                (name, value) if known is None else (known[0], f"{known[1]}, {value}")
            )

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self)})"


@dataclass(frozen=True, repr=False)
class RecordedRequest:
    """One HTTP request, as the sandbox received it.

    Attributes:
        method: The request method.
        target: The request target exactly as sent, percent-encoding and query included.
        path: The path below the base URL, percent-encoding as sent: `/v2/accounts`. The whole path
            where `below_base` is False.
        query: The query parameters, decoded; the last value of a name that is repeated.
        query_items: Every query parameter in the order sent, decoded.
        headers: The header fields; names are looked up in any case.
        body: The body's bytes, transfer encoding undone; empty when there was none, and when the
            caller had no valid key.
        connection: The number of the TCP connection it came on, counted from 1.
        http_version: `HTTP/1.1` or `HTTP/1.0`.
        below_base: Whether the target lies below the base URL; if not, the answer is 404.
    """

    method: str
    target: str
    path: str
    query: dict[str, str]
    query_items: list[tuple[str, str]]
    headers: Headers
    body: bytes
    connection: int
    http_version: str
    below_base: bool

    @property
    def json(self) -> Any:
        """The body parsed as JSON; None when `body` is empty.

        Raises:
            ValueError: The body is not JSON.
        """
        return json.loads(self.body) if self.body else None

    def __repr__(self) -> str:
        return f"<RecordedRequest {self.method} {self.path} on connection {self.connection}>"


@dataclass(frozen=True)
class Reply:
    """What is to be answered, before it is put on the wire."""

    status: int
    payload: Any = None
    content: Optional[bytes] = None
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """The body's bytes: the raw content, else the payload as compact UTF-8 JSON."""
        if self.content is not None:
            return self.content
        if self.payload is None:
            return b""
        return to_json(self.payload)


def to_json(value: object) -> bytes:
    """Compact UTF-8 JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate that came in as \ud800 has no UTF-8 form to go out in.
    return text.encode("utf-8", "replace")


@dataclass(frozen=True)
class Answer:
    """The bytes to send, how long to hold them back, and whether the connection then ends."""

    data: bytes
    delay: float
    close: bool
