"""One logical request, from its arguments to its response.

`Transport.request` is where a call goes through: it is prepared (`preparing`), served from the
cache if that was asked for (`response_cache`), and sent until it is settled (`sending`). These
load with the first call, under one guard.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional, Union, cast

from .._error_base import operation
from .._forks import loading_parts, notice_fork
from ..errors import ConfigError, InvalidArgumentError, UnauthorizedError
from .log_events import EventLog, show_log
from .messages import LastResponse, Request, Response
from .options import Options
from .origin import DEFAULT_BASE_URL, parse_base_url
from .rate_limits import RateLimit
from .redaction import ApiKey
from .timeouts import Deadline

if TYPE_CHECKING:
    from .connections import ConnectionPool
    from .response_cache import ResponseCache
    from .sending import Sender


class Transport:
    """Sends requests to the API: retries, timeouts, idempotency keys, rate limits, logging.

    One transport may be shared by any number of threads, and survives a fork.

    Args:
        api_key: The bearer key; None takes the environment's `TESOTE_SDK_API_KEY`.
        base_url: None takes the environment's `TESOTE_SDK_API_URL`, then the production API.
        options: How it calls; None is `Options()`. `BaseClient` describes each.
        clock: Seconds on a clock that never steps back; None is `time.monotonic`.
        sleep: Waits for some seconds; None is `time.sleep`.
        uniform: Draws a number between two others; None draws from the system's randomness.

    Raises:
        ConfigError: An argument cannot be used; the message says which, and what to do.
    """

    @operation
    def __init__(
        self,
        api_key: Union[str, ApiKey, None] = None,
        base_url: Optional[str] = None,
        options: Optional[Options] = None,
        *,
        clock: Optional[Callable[[], float]] = None,
        sleep: Optional[Callable[[float], object]] = None,
        uniform: Optional[Callable[[float, float], float]] = None,
    ) -> None:
        if not isinstance(api_key, ApiKey):
            api_key = ApiKey(os.environ.get("TESOTE_SDK_API_KEY") if api_key is None else api_key)
        api_key.check()
        if base_url is None:
            base_url = os.environ.get("TESOTE_SDK_API_URL", DEFAULT_BASE_URL)
        self._api_key = api_key
        self.options: Options = options or Options()
        self._base = parse_base_url(base_url, allow_http=self.options.allow_http)
        show_log(os.environ.get("TESOTE_SDK_LOG"))
        self._log = EventLog(self.options.logger)
        self.clock: Callable[[], float] = clock or _now
        self.sleep: Callable[[float], object] = sleep or _sleep
        self._uniform = uniform
        self._lends_connections: Optional[Transport] = None
        self._lends_cache: Optional[Transport] = None
        self._sender: Optional[Sender] = None
        self._cache: Optional[ResponseCache] = None
        self._made: dict[str, Any] = {}
        self._closed = False

    @property
    def last_rate_limit(self) -> Optional[RateLimit]:
        """The newest rate limit that the server reported, or None before the first response."""
        return None if self._sender is None else self._sender.last_rate_limit

    @property
    def last_response(self) -> Optional[LastResponse]:
        """What this thread's newest answer said about itself, or None before the first."""
        notice_fork()
        return None if self._sender is None else self._sender.last_response

    @operation
    def request(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Any = None,
        idempotency_key: Optional[str] = None,
        extra_headers: Optional[Mapping[str, str]] = None,
        key_in_body: Optional[str] = None,
        changes_state: Optional[bool] = None,
        cache_ttl: Optional[float] = None,
        operation: Optional[str] = None,
    ) -> Response:
        """Make one logical request, however many attempts it takes.

        Args:
            method: GET, HEAD, POST, PUT, PATCH or DELETE.
            path: Below the base URL, with the API's version: `/v2/accounts`.
            query: Parameters; those that are None are left out.
            body: What is sent as JSON with POST, PUT or PATCH; None sends `{}`.
            idempotency_key: Names this write, so that the server can tell a repeat; None makes a
                UUIDv4 (RFC 9562). All attempts carry the same.
            extra_headers: Further header fields.
            key_in_body: The member of the body, an object, that is to hold the idempotency key as
                well.
            changes_state: False for a POST that only reads, and so may be repeated like a GET; None
                goes by the method.
            cache_ttl: Seconds for which the response to a GET may serve a repeat of it; None always
                asks the server.
            operation: What logs call it, such as `accounts.get`.

        Returns:
            The response, whose status is 2xx.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            ConfigError: The transport is closed.
            ApiError: The server refused.
            TransportError: There was no usable response.
        """
        notice_fork()
        sender = self._opened()
        request = sender.preparer.prepare(
            method,
            path,
            query,
            body,
            idempotency_key,
            extra_headers,
            key_in_body,
            changes_state,
            operation,
        )
        deadline = Deadline(self.clock, self.options.total_timeout, "total")
        if cache_ttl is not None:
            ttl = _checked_ttl(method, cache_ttl)
            return self._kept().serve(
                request,
                ttl,
                deadline,
                lambda sent: self._sent(sender, sent, deadline),
                sender.decode,
                self._log,
            )
        if request.changes_state:
            return self._written(sender, request, deadline)
        return self._sent(sender, request, deadline)

    # The client's methods are doors themselves, and make their calls with what is behind this one.
    _request: Callable[..., Response] = vars(request)["__wrapped__"]

    @operation
    def with_options(self, options: Options) -> Transport:
        """Return a transport with other options over the same connections.

        Other TLS settings or another opener cannot share them, and begin with none.

        Args:
            options: All options of the new one, such as `Options.replace` makes them.

        Raises:
            ConfigError: This transport is closed.
        """
        if self._closed:
            raise ConfigError(_CLOSED)
        derived = Transport(
            self._api_key,
            self._base.url,
            options,
            clock=self.clock,
            sleep=self.sleep,
            uniform=self._uniform,
        )
        if all(
            getattr(options, name) is getattr(self.options, name)
            for name in ("ssl_context", "opener", "allow_http")
        ):
            derived._lends_connections = self
        if options.cache_backend is self.options.cache_backend:
            derived._lends_cache = self
        return derived

    @operation
    def close(self) -> None:
        """Close the connections; what is called afterwards raises ConfigError.

        A transport made by `with_options` closes itself alone: the connections belong to the one
        that it was made from.
        """
        self._closed = True
        if self._sender is not None and self._lends_connections is None:
            self._sender.pool.close()

    def __repr__(self) -> str:
        # A crash reporter may look at a transport that could not be made.
        base = getattr(self, "_base", None)
        return f"<Transport {base.url} {self._api_key.shown}>" if base else "<Transport>"

    def __reduce__(self) -> str:
        raise TypeError("connections and keys cannot be pickled: make a client in each process")

    def _opened(self) -> Sender:
        """Return what sends; with the first call, load it."""
        if self._closed:
            raise ConfigError(_CLOSED)
        lender = self._lends_connections
        pool = None if lender is None else lender._opened().pool
        return self._sender or self._load(pool)

    def _load(self, pool: Optional[ConnectionPool]) -> Sender:
        with loading_parts():
            from .connections import ConnectionPool
            from .preparing import Preparer
            from .sending import Sender

        # Not while forks wait: the system may look a name up for the proxy.
        pool = pool or ConnectionPool(self._base.origin, self.options, self.clock)
        sender = Sender(
            self.options,
            pool,
            Preparer(self._base, self._api_key, self.options),
            self._log,
            clock=self.clock,
            sleep=self.sleep,
            uniform=self._uniform,
        )
        # Of threads that come here at once, the first one's are taken by all.
        self._sender = self._made.setdefault("sender", sender)
        return self._sender

    def _kept(self) -> ResponseCache:
        """Return the response cache; with the first use, load it."""
        if self._lends_cache is not None:
            return self._lends_cache._kept()
        if self._cache is None:
            with loading_parts():  # few programs use it
                from .response_cache import ResponseCache

            cache = ResponseCache(
                self.options.cache_backend, self._api_key, self._base.url, self._log
            )
            self._cache = self._made.setdefault("cache", cache)
        return self._cache

    def _keeps(self) -> bool:
        """Tell whether anything may have been kept that can go stale."""
        if self._lends_cache is not None:
            return self._lends_cache._keeps()
        return self._cache is not None or self.options.cache_backend is not None

    def _sent(self, sender: Sender, request: Request, deadline: Deadline) -> Response:
        """Send a request; where the key is no longer good, nor is what was kept for it."""
        try:
            return sender.perform(request, deadline)
        except UnauthorizedError:
            if self._keeps():
                self._kept().drop_all()
            raise

    def _written(self, sender: Sender, request: Request, deadline: Deadline) -> Response:
        """Send a write; where it may have been carried out, what it made stale is dropped."""
        if self._keeps():
            self._kept()  # loaded before: once the write is carried out, nothing may go wrong
        try:
            response = self._sent(sender, request, deadline)
        except BaseException as error:  # an interrupted write may have been carried out, too
            if getattr(error, "outcome_unknown", True) and self._keeps():
                self._kept().drop(request.path)
            raise
        if self._keeps():
            self._kept().drop(request.path)
        return response


_CLOSED = "the client is closed: make a new one"


def _now() -> float:
    return time.monotonic()  # as it is now: a program may have replaced it (gevent, a test)


def _sleep(seconds: float) -> None:
    time.sleep(seconds)  # likewise


def _checked_ttl(method: str, ttl: object) -> float:
    number = isinstance(ttl, (int, float)) and not isinstance(ttl, bool)
    if number and cast("float", ttl) > sys.float_info.max:
        ttl = float("inf")  # as good as, if it is an int that no float can hold
    if not (number and 0 < cast("float", ttl) < float("inf")):
        raise InvalidArgumentError(f"cache_ttl must be a number of seconds above 0, not {ttl!r}")
    if method != "GET":
        raise InvalidArgumentError(f"the response to a {method} request cannot be cached")
    return float(cast("float", ttl))
