"""InMemoryLRUCache: the cache of one process."""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from typing import Callable, Optional

from ..errors import ConfigError


class InMemoryLRUCache:
    """A bounded cache in memory, for all threads of one process; what is used least goes first.

    There is no lock that a signal or a fork could leave held: each step is one operation of a dict,
    which no other thread divides.

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

    def get(self, key: str) -> Optional[bytes]:
        """Return the value that was set less than its `ttl` ago, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, expires_at = entry
        if self._clock() >= expires_at:
            if self._entries.get(key) is entry:
                self.delete(key)
            return None
        self._mark_used(key)
        return value

    def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for `ttl` seconds, unless others need the room before."""
        if len(value) > self._max_bytes or ttl <= 0:
            self.delete(key)
            return
        self._entries[key] = (value, self._clock() + ttl)
        self._mark_used(key)
        self._shrink()

    def delete(self, key: str) -> None:
        """Forget a value."""
        self._entries.pop(key, None)

    def __repr__(self) -> str:
        return f"<InMemoryLRUCache of {len(self._entries)} entries, {self._bytes()} bytes>"

    def _mark_used(self, key: str) -> None:
        with contextlib.suppress(KeyError):  # another thread has removed it
            self._entries.move_to_end(key)

    def _shrink(self) -> None:
        """Remove what was used least until the bounds are kept."""
        excess = self._bytes() - self._max_bytes
        while excess > 0 or len(self._entries) > self._max_entries:
            try:
                _, (value, _) = self._entries.popitem(last=False)
            except (KeyError, RuntimeError):
                # Another thread has removed the last one; or any, where it is PyPy's several steps.
                if not self._entries:
                    return
                continue
            excess -= len(value)

    def _bytes(self) -> int:
        # Counted anew: a sum that is kept is wrong for ever once Ctrl-C strikes before it is set.
        # The values of a dict: those of an OrderedDict are listed one by one, and without the GIL
        # another thread's step in between is an error.
        return sum([len(value) for value, _ in list(dict.values(self._entries))])


def _now() -> float:
    return time.monotonic()  # as it is now: a program may have replaced it
