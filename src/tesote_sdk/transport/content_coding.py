"""The gzip of response bodies, undone within bounds."""

from __future__ import annotations

import io
import socket
import zlib
from typing import Optional

from .messages import MAX_REFUSAL
from .timeouts import Deadline

MAX_CONTENT = 100 * 1024 * 1024
"""Bytes of a response's content, decompressed, beyond which it is refused."""

_MAX_MEMBERS = 100
"""Members of one gzip body; every one costs time, and a hundred thousand fit into 2 MB."""

_PIECE = 256 * 1024
"""Bytes that go in, and that may come out, between two looks at the clock."""

_MAGIC = b"\x1f\x8b"
"""How a gzip begins (RFC 1952, section 2.3.1)."""

_NO_CODINGS = frozenset({"", "identity", "none", "utf-8", "utf8", "us-ascii", "iso-8859-1"})
"""`identity` means that there is none, and servers say so with other words and with charsets."""


def decompress(content: bytes, encoding: str, deadline: Deadline) -> bytes:
    """Undo the gzip of a body (RFC 9110, section 8.4.1.3), member by member (RFC 1952).

    What follows a whole member and is no gzip is passed over, as gzip(1) does.

    Args:
        content: The body as it came.
        encoding: The Content-Encoding field, or "".
        deadline: The call's.

    Raises:
        ValueError: It is no whole gzip, larger than `MAX_CONTENT`, in too many members, or in
            another coding.
        socket.timeout: The deadline passed.
    """
    if not content or not encoding:
        return content
    plain = io.BytesIO()
    _decompress_into(plain, content, encoding, deadline, MAX_CONTENT)
    return plain.getvalue()


def readable_refusal(content: bytes, encoding: str, deadline: Deadline) -> bytes:
    """Return what can be read of a refusal's body, which may be cut, wrongly labelled or endless.

    Args:
        content: The body as it came.
        encoding: The Content-Encoding field, or "".
        deadline: The call's.
    """
    plain = io.BytesIO()
    try:
        _decompress_into(plain, content, encoding, deadline, MAX_REFUSAL)
    except (OSError, ValueError):
        # Under a coding that nobody knows, or a wrong one, the refusal may be plain to see.
        if not plain.tell() and content.lstrip()[:1] in (b"{", b"["):
            return content[:MAX_REFUSAL]
    return plain.getvalue()[:MAX_REFUSAL]


def _decompress_into(
    plain: io.BytesIO, content: bytes, encoding: str, deadline: Deadline, limit: int
) -> None:
    coding = _coding(encoding)
    if coding is None:
        plain.write(content[: limit + 1])
    elif coding != "gzip":
        raise ValueError("its content coding was not asked for")
    elif content:
        _decompress_members(plain, content, deadline, limit)


def _decompress_members(plain: io.BytesIO, content: bytes, deadline: Deadline, limit: int) -> None:
    begin = 0
    for _ in range(_MAX_MEMBERS):
        begin = _decompress_member(content, begin, plain, deadline, limit)
        if not content.startswith(_MAGIC, begin):
            return
    raise ValueError(f"its gzip has more than {_MAX_MEMBERS} members")


def _coding(encoding: str) -> Optional[str]:
    """Return what is to be undone: None for nothing, "gzip", or "?" for anything else.

    One that is named twice alike was applied once: an application and a gateway both said so.
    """
    named = {name.strip().lower() for name in encoding.split(",")} - _NO_CODINGS
    if not named:
        return None
    return "gzip" if named <= {"gzip", "x-gzip"} else "?"


def _decompress_member(
    content: bytes, begin: int, plain: io.BytesIO, deadline: Deadline, limit: int
) -> int:
    """Write the content of the member that begins at an index, and return the index of its end."""
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    while begin < len(content):
        piece = content[begin : begin + _PIECE]
        begin += len(piece)
        while piece:
            if deadline.remaining() <= 0:
                raise socket.timeout("the deadline has passed")
            try:
                plain.write(member.decompress(piece, _PIECE))
            except zlib.error as error:
                raise ValueError(f"its gzip is broken: {error}") from None
            if plain.tell() > limit:
                raise ValueError(f"it holds more than {limit} bytes once decompressed")
            if member.eof:
                return begin - len(member.unused_data)
            piece = member.unconsumed_tail
    raise ValueError("its gzip is cut short")
