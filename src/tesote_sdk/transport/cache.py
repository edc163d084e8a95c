"""The response cache: where it is kept, and what makes an entry fresh, stale or void.

A cache never costs a call: a backend that fails, or returns what was not put there, is a miss.
"""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..errors import ConfigError
from .forks import renew_after_fork
from .messages import Headers
from .single_flight import SingleFlight

if TYPE_CHECKING:
    from typing import Callable

    from .log_events import EventLog
    from .messages import Request
    from .timeouts import Deadline

REVALIDATION_SECONDS = 86400.0
"""How long an entry with an ETag outlives its freshness, so that the server can confirm it."""

_GENERATION_SECONDS = 7 * 86400.0
"""Longer than any entry lives; a lost generation voids the entries that were made under it."""

_UNVARYING_FIELDS = frozenset({"authorization", "host", "user-agent"})
"""Request fields that no answer depends on, or that the scope of the keys covers."""

_UNSAVED_FIELDS = frozenset({"set-cookie", "connection", "transfer-encoding", "content-length"})


class CacheBackend(Protocol):
    """What keeps the entries: Redis, memcached or the like, in ten lines of your own.

    Any thread may call it at any time. What it raises is logged and costs the cache alone.
    """

    def get(self, key: str) -> bytes | None:
        """Return the value that was set, or None."""

    def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for `ttl` seconds, in place of an earlier one."""

    def delete(self, key: str) -> None:
        """Forget a value; no error if there is none."""


class InMemoryLRUCache:
    """A bounded cache in memory, for all threads of one process; what is used least goes first.

    Args:
        max_entries: Entries kept at most.
        max_bytes: Bytes of values kept at most; a larger value is not kept at all.
        clock: Seconds on a clock that never steps back.

    Raises:
        ConfigError: A bound is no whole number from 1.
    """

    def __init__(
        self,
        max_entries: int = 1024,
        max_bytes: int = 64 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, bound in {"max_entries": max_entries, "max_bytes": max_bytes}.items():
            if isinstance(bound, bool) or not isinstance(bound, int) or bound < 1:
                raise ConfigError(f"{name} must be a whole number from 1, not {bound!r}")
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        renew_after_fork(self)

    def get(self, key: str) -> bytes | None:
        """Return the value that was set less than its `ttl` ago, or None."""
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
        with self._lock:
            self._remove(key)

    def after_fork_in_child(self) -> None:
        """Take a lock that no thread of the parent holds; what is cached stays good."""
        self._lock = threading.Lock()
        # A thread of the parent may have been between an entry and the sum.
        self._bytes = sum(len(value) for value, _ in self._entries.values())

    def __repr__(self) -> str:
        return f"<InMemoryLRUCache of {len(self._entries)} entries, {self._bytes} bytes>"

    def _remove(self, key: str) -> None:
        value, _ = self._entries.pop(key, (b"", 0.0))
        self._bytes -= len(value)


class Entry:
    """A cached response; its repr shows nothing of the content."""

    __slots__ = ("content", "headers", "status")

    def __init__(self, status: int, headers: Headers, content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content

    def confirmed(self, headers: Headers) -> Entry:
        """Return the entry as a 304 renews it: new fields in place of those of the same name.

        RFC 9111, section 3.2.
        """
        news = {name: value for name, value in headers.items() if name not in _UNSAVED_FIELDS}
        return Entry(self.status, Headers({**self.headers, **news}), self.content)

    def __repr__(self) -> str:
        return f"<Entry {self.status}, {len(self.content)} bytes>"


class Place(NamedTuple("_Keys", [("fresh", str), ("confirmable", str), ("root", str)])):
    """Where the response to a request is cached.

    Attributes:
        fresh: The key of the entry while it is fresh. The TTL is part of it, so that nobody gets
            an answer older than he asked for.
        confirmable: The key of the copy that the server can confirm by its ETag.
        root: The resource that a write drops.
    """

    __slots__ = ()


class ResponseCache:
    """Responses by request, for one API key and base URL.

    Keys hold a hash of the API key, never the key: clients that share a backend and not a key
    share no entry. A write voids entries by giving their resource a new generation number, which
    is part of their keys; a backend is never asked to search.
    """

    def __init__(
        self,
        backend: CacheBackend | None,
        *,
        tenant: Callable[[], str],
        base_url: str,
        log: EventLog,
    ) -> None:
        self._backend: CacheBackend = InMemoryLRUCache() if backend is None else backend
        self._tenant = tenant
        self._base_url = base_url
        self._scope: str | None = None
        self._log = log
        self._undropped: set[str] = set()
        self._renewals: SingleFlight[bytes | None] = SingleFlight()

    def place(self, request: Request, ttl: float, deadline: Deadline) -> Place | None:
        """Return where a response is cached, or None if it cannot be now.

        Raises:
            TimeoutError: The deadline passed while another thread asked the backend.
        """
        fields = {name.lower(): value for name, value in request.headers.items()}
        if "if-none-match" in fields:
            # Whoever names a condition of his own wants to hear the 304 himself.
            return None
        root = _roots(request.path)[0]
        generation = self._generation(root, deadline)
        if generation is None:
            return None
        varying = sorted(item for item in fields.items() if item[0] not in _UNVARYING_FIELDS)
        # Only by name: the order of values that share one may mean something.
        query = sorted(request.query.split("&"), key=lambda item: item.partition("=")[0])
        key = self._key("response", generation, request.path, "&".join(query), repr(varying))
        return Place(f"{key}:{ttl!r}", f"{key}:etag", root)

    def load(self, key: str) -> Entry | None:
        """Return the entry under a key, or None if there is none, or none of ours."""
        value = self._get(key)
        return None if value is None else _unpacked(key, value)

    def store(self, place: Place, entry: Entry, ttl: float) -> None:
        """Keep an entry; with an ETag, a copy outlives the TTL by a day."""
        self._set(place.fresh, _packed(place.fresh, entry), ttl)
        etag = entry.headers.get("etag", "")
        if etag.isascii() and etag.isprintable() and etag:
            lifetime = ttl + REVALIDATION_SECONDS
            self._set(place.confirmable, _packed(place.confirmable, entry), lifetime)

    def forget(self, place: Place) -> None:
        """Remove an entry that turned out to be no good."""
        if not (self._delete(place.fresh) and self._delete(place.confirmable)):
            self._renew(place.root)

    def drop(self, path: str) -> None:
        """Void what a write to a path has made stale, for all clients that share the backend."""
        for root in _roots(path):
            self._renew(root)

    def _generation(self, root: str, deadline: Deadline) -> str | None:
        """Return the number that entries of a resource are made under; None without a backend."""

        def made() -> bytes | None:
            return self._known_generation(root) or self._renew(root)

        # Threads that find none at once must agree on one, or each would fetch for itself.
        known = self._known_generation(root) or self._renewals.fetch(root, made, deadline)
        return None if known is None else known.decode("latin-1")

    def _known_generation(self, root: str) -> bytes | None:
        if root in self._undropped:
            return None
        return self._get(self._generation_key(root))

    def _renew(self, root: str) -> bytes | None:
        generation = os.urandom(8).hex().encode()
        if self._set(self._generation_key(root), generation, _GENERATION_SECONDS):
            self._undropped.discard(root)
            return generation
        # Until the backend takes it, nothing older may be served.
        self._undropped.add(root)
        return None

    def _generation_key(self, root: str) -> str:
        return self._key("generation", root)

    def _key(self, kind: str, *parts: str) -> str:
        from hashlib import sha256

        if self._scope is None:
            self._scope = f"{self._tenant()}\n{self._base_url}"
        digest = sha256("\n".join((self._scope, *parts)).encode()).hexdigest()
        return f"tesote-sdk:1:{kind}:{digest}"

    def _get(self, key: str) -> bytes | None:
        value = self._attempt("get", key)
        if isinstance(value, bytes):
            return value
        if value is not None and value is not _FAILED:
            kind = type(value).__name__
            self._log.warn("the cache backend's get returned a value of type %s, not bytes", kind)
        return None

    def _set(self, key: str, value: bytes, ttl: float) -> bool:
        return self._attempt("set", key, value, ttl) is not _FAILED

    def _delete(self, key: str) -> bool:
        return self._attempt("delete", key) is not _FAILED

    def _attempt(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._backend, method)(*arguments)
        except Exception as error:  # noqa: BLE001 - a backend's error is of any type
            self._log.warn("the cache backend's %s failed with %s", method, type(error).__name__)
            return _FAILED


_FAILED = object()


def _roots(path: str) -> list[str]:
    """Return the resource that a path belongs to, and what else a write to it makes stale.

    A resource is `payment_methods` or the like, or a single account with all that is under it.
    The API's version is no part of it: both versions show the same accounts.
    """
    segments = path.split("/")[1:]
    if segments[0][:1] == "v" and segments[0][1:].isdigit():
        segments = segments[1:] or [""]
    if segments[0] == "accounts" and len(segments) > 1:
        return [f"accounts/{segments[1]}", "accounts"]
    return segments[:1]


def _packed(key: str, entry: Entry) -> bytes:
    fields = {name: value for name, value in entry.headers.items() if name not in _UNSAVED_FIELDS}
    import json

    head = json.dumps([key, entry.status, fields]).encode()
    packed = b"%b\n%b" % (head, entry.content)
    return b"%08x%b" % (zlib.crc32(packed), packed)


def _unpacked(key: str, value: bytes) -> Entry | None:
    """Read an entry; None for what was not packed for this key, or was damaged since."""
    packed = value[8:]
    if value[:8] != b"%08x" % zlib.crc32(packed):
        return None
    import json

    head, _, content = packed.partition(b"\n")
    try:
        owner, status, fields = json.loads(head)
    except ValueError:  # the checksum of nothing is right, too
        return None
    return Entry(status, Headers(fields), content) if owner == key else None
