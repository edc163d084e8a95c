"""Cache backends for tests: one that can be looked into, and a clock to age what it holds."""

from __future__ import annotations

from typing import NamedTuple


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Kept(NamedTuple):
    value: bytes
    ttl: float


class DictBackend:
    """Keeps everything for ever, and shows it.

    Attributes:
        kept: The values and their times to live, by key.
    """

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}

    def get(self, key: str) -> bytes | None:
        return self.kept[key].value if key in self.kept else None

    def set(self, key: str, value: bytes, ttl: float) -> None:
        self.kept[key] = Kept(value, ttl)

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    def responses(self) -> dict[str, Kept]:
        """Return the cached responses alone."""
        return {key: kept for key, kept in self.kept.items() if ":response:" in key}
