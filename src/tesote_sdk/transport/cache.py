"""CacheBackend: what keeps cached responses, for whoever brings a cache of his own."""

from __future__ import annotations

from typing import Optional, Protocol


class CacheBackend(Protocol):
    """What keeps the entries: Redis, memcached or the like, in ten lines of your own.

    Any thread may call it at any time. What it raises is logged and costs the cache alone. What it
    returns is believed only where this client's API key has sealed it.
    """

    def get(self, key: str) -> Optional[bytes]:
        """Return the value that was set, or None."""

    def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for `ttl` seconds, in place of an earlier one."""

    def delete(self, key: str) -> None:
        """Forget a value; no error if there is none."""
