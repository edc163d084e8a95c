"""InMemoryLRUCache: the cache of one process."""

from __future__ import annotations

import time
from operator import attrgetter
from typing import Callable, Optional

from ..errors import ConfigError


class _Entry:
    """A value, until when it is good, and when it was used last, in nanoseconds."""

    __slots__ = ("expires_at", "key", "used", "value")

    def __init__(self, key: str, value: bytes, expires_at: float, used: int) -> None:
        self.key: str = key
        self.value: bytes = value
        self.expires_at: float = expires_at
        self.used: int = used


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
        # No OrderedDict: without the GIL, threads that share one crash Python 3.13. And none of
        # them may put back what another has removed, as moving an entry to the end would.
        self._entries: dict[str, _Entry] = {}

    def get(self, key: str) -> Optional[bytes]:
        """Return the value that was set less than its `ttl` ago, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock() >= entry.expires_at:
            if self._entries.get(key) is entry:
                self.delete(key)
            return None
        entry.used = time.perf_counter_ns()
        return entry.value

    def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for `ttl` seconds, unless others need the room before."""
        if len(value) > self._max_bytes or ttl <= 0:
            self.delete(key)
            return
        self._entries[key] = _Entry(key, value, self._clock() + ttl, time.perf_counter_ns())
        self._shrink()

    def delete(self, key: str) -> None:
        """Forget a value."""
        self._entries.pop(key, None)

    def __repr__(self) -> str:
        entries = list(self._entries.values())
        return f"<InMemoryLRUCache of {len(entries)} entries, {_bytes(entries)} bytes>"

    def _shrink(self) -> None:
        """Remove what was used least lately until the bounds are kept."""
        while True:
            # A sum that is kept is wrong for ever once Ctrl-C strikes before it is set.
            entries = list(self._entries.values())
            surplus = len(entries) - self._max_entries
            excess = _bytes(entries) - self._max_bytes
            if surplus <= 0 and excess <= 0:
                return
            is_one_alone = surplus == 1 and excess <= 0  # as nearly always in a full cache
            for entry in [min(entries, key=_used)] if is_one_alone else sorted(entries, key=_used):
                if surplus <= 0 and excess <= 0:
                    break
                self.delete(entry.key)
                surplus -= 1
                excess -= len(entry.value)


def _bytes(entries: list[_Entry]) -> int:
    return sum([len(entry.value) for entry in entries])


_used = attrgetter("used")


def _now() -> float:
    return time.monotonic()  # as it is now: a program may have replaced it
