"""gzip, undone within bounds."""

from __future__ import annotations

import gzip
import time
import zlib

import pytest

from tesote_sdk.transport import content_coding
from tesote_sdk.transport.content_coding import decompress


def test_gzip_member_by_member() -> None:
    assert decompress(gzip.compress(b"a") + gzip.compress(b"b"), "GZip") == b"ab"
    assert decompress(gzip.compress(b"a"), "x-gzip") == b"a"
    assert decompress(b"a", "identity") == decompress(b"a", "") == b"a"
    assert decompress(b"", "gzip") == b""


@pytest.mark.parametrize(
    "content",
    [b"x", gzip.compress(b"a")[:-1], gzip.compress(b"a") + b"x", zlib.compress(b"a")],
    ids=["none", "cut", "and_more", "zlib"],
)
def test_what_is_no_gzip(content: bytes) -> None:
    with pytest.raises(ValueError, match="gzip"):
        decompress(content, "gzip")


def test_limits_of_gzip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_coding, "MAX_CONTENT", 1000)
    assert len(decompress(gzip.compress(bytes(1000)), "gzip")) == 1000
    with pytest.raises(ValueError, match="1000 bytes"):
        decompress(gzip.compress(bytes(1001)), "gzip")
    with pytest.raises(ValueError, match="1000 bytes"):
        decompress(gzip.compress(bytes(600)) * 2, "gzip")


def test_many_empty_gzip_members_take_no_time() -> None:
    content = gzip.compress(b"") * 200_000
    started = time.monotonic()
    with pytest.raises(ValueError, match="members"):
        decompress(content, "gzip")
    assert time.monotonic() - started < 1
