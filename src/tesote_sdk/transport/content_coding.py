"""The gzip of response bodies, undone within bounds."""

from __future__ import annotations

import io
import zlib

MAX_CONTENT = 100 * 1024 * 1024
"""Bytes of a response's content, decompressed, beyond which it is refused."""

_MAX_MEMBERS = 100
"""Members of one gzip body; every one costs time, and a hundred thousand fit into 2 MB."""


def decompress(content: bytes, encoding: str) -> bytes:
    """Undo the gzip of a body (RFC 9110, section 8.4.1.3), member by member (RFC 1952).

    Args:
        content: The body as it came.
        encoding: The Content-Encoding field, or "".

    Raises:
        ValueError: It is no whole gzip, larger than `MAX_CONTENT`, in too many members, or another
            coding.
    """
    if encoding.lower() in ("", "identity") or not content:
        return content
    if encoding.lower() not in ("gzip", "x-gzip"):
        raise ValueError("its content coding was not asked for")
    plain = io.BytesIO()
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            plain.write(member.decompress(content, MAX_CONTENT + 1 - plain.tell()))
        except zlib.error as error:
            raise ValueError(f"its gzip is broken: {error}") from None
        if plain.tell() > MAX_CONTENT:
            raise ValueError(f"it holds more than {MAX_CONTENT} bytes once decompressed")
        if not member.eof:
            raise ValueError("its gzip is cut short")
        content = member.unused_data
        if not content:
            return plain.getvalue()
    raise ValueError(f"its gzip has more than {_MAX_MEMBERS} members")
