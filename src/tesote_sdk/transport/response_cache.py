"""The response cache: what makes an entry fresh, stale or void, and whether it is one of ours.

A cache never costs a call: a backend that fails, or returns what was not put there, is a miss.
"""

from __future__ import annotations

import hmac
import json
import os
from hashlib import sha256
from typing import Any, Callable, Optional

from ..errors import TimeoutError
from .cache import CacheBackend
from .log_events import EventLog
from .memory_cache import InMemoryLRUCache
from .messages import Headers, Request, Response
from .redaction import ApiKey
from .single_flight import SingleFlight
from .timeouts import Deadline
from .values import Value

REVALIDATION_SECONDS = 86400.0
"""How long an entry with an ETag outlives its freshness, so that the server can confirm it."""

_GENERATION_SECONDS = 7 * 86400.0
"""Longer than any entry lives; a lost generation voids the entries that were made under it."""

_UNSAVED_FIELDS = frozenset({"set-cookie", "connection", "transfer-encoding", "content-length"})

_SEAL_BYTES = 32


class Entry:
    """A cached response; its repr shows nothing of the content."""

    __slots__ = ("content", "headers", "status")

    def __init__(self, status: int, headers: Headers, content: bytes) -> None:
        self.status: int = status
        self.headers: Headers = headers
        self.content: bytes = content

    @property
    def etag(self) -> Optional[str]:
        """The ETag, if it can be sent in a header field as it is (RFC 9110, section 8.8.3)."""
        etag = self.headers.get("etag")
        return etag if etag and etag.isascii() and etag.isprintable() else None

    def confirmed(self, headers: Headers) -> Entry:
        """Return the entry as a 304 renews it: new fields in place of those of the same name.

        RFC 9111, section 3.2.
        """
        news = {name: value for name, value in headers.items() if name not in _UNSAVED_FIELDS}
        return Entry(self.status, Headers({**self.headers, **news}), self.content)

    def __repr__(self) -> str:
        return f"<Entry {self.status}, {len(self.content)} bytes>"


class Place(Value):
    """Where the response to a request is cached.

    Attributes:
        fresh: The key of the entry while it is fresh. The TTL is part of it, so that nobody gets
            an answer older than he asked for.
        confirmable: The key of the copy that the server can confirm by its ETag.
        root: The resource that a write drops.
    """

    __slots__ = ("confirmable", "fresh", "root")

    fresh: str
    confirmable: str
    root: str

    def __init__(self, confirmable: str, fresh: str, root: str) -> None:
        self._set(confirmable=confirmable, fresh=fresh, root=root)


class ResponseCache:
    """Responses by request, for one API key and base URL.

    Keys hold a hash of the API key, never the key: clients that share a backend and not a key
    share no entry. Entries are sealed with the key, so that nobody else can write one. A write
    voids entries by giving their resource a new generation number, which is part of their keys; a
    backend is never asked to search.

    Args:
        backend: Keeps the entries; None keeps them in memory.
        api_key: Whose responses they are.
        base_url: Where they come from.
        log: Hears of a backend that fails.
    """

    def __init__(
        self, backend: Optional[CacheBackend], api_key: ApiKey, base_url: str, log: EventLog
    ) -> None:
        self._backend = InMemoryLRUCache() if backend is None else backend
        self._api_key = api_key
        self._scope = f"{api_key.seal(b'cache').hex()}\n{base_url}"
        self._log = log
        self._roots_used: set[str] = set()
        self._undropped: set[str] = set()
        self._flights: SingleFlight[Entry] = SingleFlight()
        self._renewals: SingleFlight[Optional[bytes]] = SingleFlight()

    def serve(
        self,
        request: Request,
        ttl: float,
        deadline: Deadline,
        perform: Callable[[Request], Response],
        decode: Callable[[str], Any],
        log: EventLog,
    ) -> Response:
        """Return the response to a request, kept or fetched: once for all threads that miss it.

        Args:
            request: A GET.
            ttl: Seconds for which a response may serve.
            deadline: The call's.
            perform: Asks the server.
            decode: Decodes the JSON of a kept response.
            log: The caller's; clients that share a cache may have a log each.

        Raises:
            TimeoutError: The deadline passed while another thread asked.
            TesoteError: As `perform`.
        """
        asked: list[Response] = []
        try:
            place = self.place(request, ttl, deadline)
            if place is None:
                return perform(request)
            entry = self.load(place.fresh) or self._flights.fetch(
                place.fresh,
                lambda: (
                    self.load(place.fresh) or self._fetched(request, place, ttl, perform, asked)
                ),
                deadline,
            )
        except TimeoutError as error:
            if error.request_summary is None:  # it is of waiting for another thread
                error.request_summary = request.summary()
                log.report("error", request, error=error)
            raise
        if not asked:
            log.report("cache_hit", request, status=entry.status)
        return Response(
            status=entry.status,
            headers=entry.headers,
            content=entry.content,
            request=request,
            attempts=None,
            decode=decode,
            report=log.report,
            connection=asked[0].connection if asked else None,
            forget=lambda: self.forget(place),
        )

    def drop(self, path: str) -> None:
        """Void what a write to a path has made stale, for all clients that share the backend."""
        for root in _roots(path):
            self._renew(root)

    def drop_all(self) -> None:
        """Void all that this client has looked at, since its key has turned out to be no good."""
        for root in sorted(self._roots_used):
            self._renew(root)

    def place(self, request: Request, ttl: float, deadline: Deadline) -> Optional[Place]:
        """Return where a response is cached, or None if it cannot be now.

        Raises:
            TimeoutError: The deadline passed while another thread asked the backend.
        """
        varying = {name.lower(): value for name, value in request.varying.items()}
        if "if-none-match" in varying:
            # Whoever names a condition of his own wants to hear the 304 himself.
            return None
        root = _roots(request.path)[0]
        self._roots_used.add(root)
        generation = self._generation(root, deadline)
        if generation is None:
            return None
        varying.setdefault("accept", request.headers["Accept"])
        # Only by name: the order of values that share one may mean something.
        query = sorted(request.query.split("&"), key=lambda item: item.partition("=")[0])
        key = self._key(
            "response", generation, request.path, "&".join(query), repr(sorted(varying.items()))
        )
        return Place(f"{key}:etag", f"{key}:{ttl!r}", root)

    def _fetched(
        self,
        request: Request,
        place: Place,
        ttl: float,
        perform: Callable[[Request], Response],
        asked: list[Response],
    ) -> Entry:
        """Fetch a response; one that was kept may only need the server's word."""
        old = self.load(place.confirmable)
        etag = old.etag if old is not None else None
        if etag is not None:
            request = request.with_field("If-None-Match", etag)
        response = perform(request)
        asked.append(response)
        if old is not None and response.status == 304:
            entry = old.confirmed(response.headers)
        else:
            entry = Entry(response.status, response.headers, response.content)
        if not _is_private(response.headers):
            self.store(place, entry, ttl)
        return entry

    def load(self, key: str) -> Optional[Entry]:
        """Return the entry under a key, or None if there is none, or none of ours."""
        value = self._get(key)
        return self._unpacked(key, value) if isinstance(value, bytes) else None

    def store(self, place: Place, entry: Entry, ttl: float) -> None:
        """Keep an entry; with an ETag, a copy outlives the TTL by a day."""
        self._set(place.fresh, self._packed(place.fresh, entry), ttl)
        if entry.etag is not None:
            lifetime = ttl + REVALIDATION_SECONDS
            self._set(place.confirmable, self._packed(place.confirmable, entry), lifetime)

    def forget(self, place: Place) -> None:
        """Remove an entry that turned out to be no good."""
        if not (self._delete(place.fresh) and self._delete(place.confirmable)):
            self._renew(place.root)

    def _packed(self, key: str, entry: Entry) -> bytes:
        """Write an entry, sealed: the seal covers the key that it is kept under, too."""
        fields = {name: text for name, text in entry.headers.items() if name not in _UNSAVED_FIELDS}
        head = json.dumps([entry.status, fields]).encode()
        packed = b"%b\n%b" % (head, entry.content)
        return self._api_key.seal(b"%b\n%b" % (key.encode(), packed)) + packed

    def _unpacked(self, key: str, value: bytes) -> Optional[Entry]:
        """Read an entry; None for what this client's key has not sealed for this place."""
        seal, packed = value[:_SEAL_BYTES], value[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._api_key.seal(b"%b\n%b" % (key.encode(), packed))):
            return None
        head, _, content = packed.partition(b"\n")
        status, fields = json.loads(head)
        return Entry(status, Headers(fields), content)

    def _generation(self, root: str, deadline: Deadline) -> Optional[str]:
        """Return the number that entries of a resource are made under; None without a backend."""

        def made() -> Optional[bytes]:
            known = self._known_generation(root)
            return self._renew(root) if known is None else known or None

        # Threads that find none at once must agree on one, or each would fetch for itself. What
        # cannot be read now is not renewed: others may be keeping entries under it.
        known = self._known_generation(root)
        if known is None:
            known = self._renewals.fetch(root, made, deadline)
        return known.decode("latin-1") if known else None

    def _known_generation(self, root: str) -> Optional[bytes]:
        """Return the number; None if there is none, nothing if that cannot be known."""
        if root in self._undropped:
            return None
        value = self._get(self._generation_key(root))
        return b"" if value is _FAILED else value or None

    def _renew(self, root: str) -> Optional[bytes]:
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
        digest = sha256("\n".join((self._scope, *parts)).encode()).hexdigest()
        return f"tesote-sdk:2:{kind}:{digest}"

    def _get(self, key: str) -> Any:
        """Return the bytes that were set, None for none, or `_FAILED`."""
        value = self._attempt("get", key)
        if value is None or value is _FAILED or isinstance(value, bytes):
            return value
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


def _is_private(headers: Headers) -> bool:
    """Tell whether the server forbids keeping a response (RFC 9111, section 5.2.2.5)."""
    directives = headers.get("cache-control", "").lower().split(",")
    return "no-store" in [directive.partition("=")[0].strip() for directive in directives]


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
