"""InMemoryLRUCache: the cache of one process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Callable, Optional

from .._forks import notice_fork, renew_after_fork
from ..errors import ConfigError


class InMemoryLRUCache:
    """A bounded cache in memory, for all threads of one process; what is used least goes first.

    Args:
        max_entries: Entries kept at most.
        max_bytes: Bytes of values kept at most; a larger value is not kept at all.
        clock: Seconds on a clock that never steps back; None is `time.monotonic`.

    Raises:
        ConfigError: A bound is no whole number from 1.
    """

    def __init__(
        self,
        max_entries: int = 1024,
        max_bytes: int = 64 * 1024 * 1024,
        clock: Optional[Callable[[], float]] = None,
    ) -> None:
        for name, bound in {"max_entries": max_entries, "max_bytes": max_bytes}.items():
            if isinstance(bound, bool) or not isinstance(bound, int) or bound < 1:
                raise ConfigError(f"{name} must be a whole number of at least 1, not {bound!r}")
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock or _now
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.RLock()
        renew_after_fork(self)

    def get(self, key: str) -> Optional[bytes]:
        """Return the value that was set less than its `ttl` ago, or None."""
        notice_fork()
        with self._lock:
            value, expires_at = self._entries.get(key, (None, 0.0))
            if value is None:
                return None
            if self._clock() >= expires_at:
                self._remove(key)
                return None
            self._entries.move_to_end(key)
            return value

    def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for `ttl` seconds, unless others need the room before."""
        notice_fork()
        with self._lock:
            self._remove(key)
            if len(value) > self._max_bytes or ttl <= 0:
                return
            self._entries[key] = (value, self._clock() + ttl)
            self._bytes += len(value)
            while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
                self._remove(next(iter(self._entries)))

    def delete(self, key: str) -> None:
        """Forget a value."""
        notice_fork()
        with self._lock:
            self._remove(key)

    def after_fork_in_child(self) -> None:
        """Take a lock that no thread of the parent holds; what is cached stays good."""
        self._lock = threading.RLock()
        # A thread of the parent may have been between an entry and the sum.
        self._bytes = sum(len(value) for value, _ in self._entries.values())

    def __repr__(self) -> str:
        return f"<InMemoryLRUCache of {len(self._entries)} entries, {self._bytes} bytes>"

    def _remove(self, key: str) -> None:
        value, _ = self._entries.pop(key, (b"", 0.0))
        self._bytes -= len(value)


def _now() -> float:
    return time.monotonic()  # as it is now: a program may have replaced it
