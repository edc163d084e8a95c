"""One logical request, from its arguments to its response: built once, sent until it is settled.

`Transport.request` reads top to bottom as the story of a call. What a step does is in the modules
beside this one: `encoding` and `messages` (what is sent), `connections` (over what),
`error_responses` (what a refusal means), `retries` (whether again, and when).
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any, cast

from .._version import __version__
from ..errors import ApiError, ConfigError, InvalidArgumentError, TesoteError, TimeoutError
from .cache import Entry, ResponseCache
from .connections import ConnectionPool
from .deprecations import DeprecationNotices
from .encoding import check_path, encode_json, encode_query
from .log_events import EventLog
from .messages import SAFE_METHODS, Request, Response, json_decoder
from .origin import DEFAULT_BASE_URL, parse_base_url
from .rate_limits import read_rate_limit
from .redaction import ApiKey
from .retries import RetryPolicy
from .single_flight import SingleFlight
from .timeouts import (
    DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_READ_TIMEOUT,
    DEFAULT_TOTAL_TIMEOUT,
    Deadline,
    Timeouts,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from typing import Callable

    from .cache import CacheBackend, Place
    from .http1 import Reply
    from .log_events import LogCallback
    from .pacing import RateLimiter
    from .rate_limits import RateLimit

_METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})

# Compiled at first use: most programs pass no header and no key of their own.
_FIELD_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIELD_VALUE = r"[!-~\xa1-\xff]([ \t!-~\xa0-\xff]*[!-~\xa1-\xff])?"
"""RFC 9110, sections 5.6.2 and 5.5."""

_OWN_FIELDS = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "proxy-authorization",
        "transfer-encoding",
    }
)
"""Header fields that the transport alone may set."""


class Transport:
    """Sends requests to the API: retries, timeouts, idempotency keys, rate limits, logging.

    One transport may be shared by any number of threads, and survives a fork. The clients' own
    arguments are described at `V2Client`.

    Args:
        api_key: The bearer key; None takes the environment's `TESOTE_SDK_API_KEY`.
        base_url: None takes the environment's `TESOTE_SDK_API_URL`, then the production API.
        connect_timeout: Seconds for reaching the server.
        read_timeout: Seconds that the server may stay silent, each time.
        total_timeout: Seconds for a whole call, retries and waits included.
        retry_policy: None is `RetryPolicy()`.
        cache_backend: Keeps the responses of calls with `cache_ttl`; None keeps them in memory.
        rate_limiter: Paces the calls; None lets the server refuse what is too much.
        user_agent: Replaces the User-Agent header.
        logger: Called with one mapping an event.
        ssl_context: TLS settings, for a private CA or a client certificate.
        parse_float: Makes a number of the text of each JSON number that is not whole.
        allow_http: Allows plain http to a host that is not this machine.
        opener: Sends in place of the built-in connections; has the contract of
            `urllib.request.urlopen`.
        clock: Seconds on a clock that never steps back.
        sleep: Waits for some seconds.
        uniform: Draws a number between two others; None is `random.uniform`.

    Raises:
        ConfigError: An argument cannot be used; the message says which, and what to do.
    """

    def __init__(
        self,
        api_key: str | ApiKey | None = None,
        base_url: str | None = None,
        *,
        connect_timeout: float | None = DEFAULT_CONNECT_TIMEOUT,
        read_timeout: float | None = DEFAULT_READ_TIMEOUT,
        total_timeout: float | None = DEFAULT_TOTAL_TIMEOUT,
        retry_policy: RetryPolicy | None = None,
        cache_backend: CacheBackend | None = None,
        rate_limiter: RateLimiter | None = None,
        user_agent: str | None = None,
        logger: LogCallback | None = None,
        ssl_context: ssl.SSLContext | None = None,
        parse_float: Callable[[str], Any] | None = None,
        allow_http: bool = False,
        opener: Callable[..., Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        uniform: Callable[[float, float], float] | None = None,
    ) -> None:
        # The plain key is in no local variable by the time that anything can be refused.
        if not isinstance(api_key, ApiKey):
            api_key = ApiKey(os.environ.get("TESOTE_SDK_API_KEY") if api_key is None else api_key)
        api_key.check()
        if base_url is None:
            base_url = os.environ.get("TESOTE_SDK_API_URL", DEFAULT_BASE_URL)
        self._api_key = api_key
        self._base = parse_base_url(base_url, allow_http=allow_http)
        self._timeouts = Timeouts(connect_timeout, read_timeout, total_timeout)
        self._retry_policy = _checked_policy(retry_policy)
        if not (ssl_context is None or hasattr(ssl_context, "wrap_socket")):
            raise ConfigError("ssl_context must be an ssl.SSLContext")
        self._log = EventLog(logger, self._base.url)
        self._rate_limiter = rate_limiter
        self._cache = ResponseCache(
            cache_backend, tenant=api_key.fingerprint, base_url=self._base.url, log=self._log
        )
        self._flights: SingleFlight[Entry] = SingleFlight()
        self._headers = {
            "Host": self._base.host_header,
            "User-Agent": _checked_user_agent(user_agent),
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Authorization": api_key.header(),
        }
        self._parse_float = parse_float or float
        self._decoder: Callable[[str], Any] | None = None
        self._notices = DeprecationNotices(self._log)
        self._opener = opener
        self._pool = ConnectionPool(
            self._base.origin, ssl_context=ssl_context, allow_http=allow_http, clock=clock
        )
        self.clock = clock
        self.sleep = sleep
        self._uniform = uniform or _uniform
        self._owns_pool = True
        self._closed = False
        self._options: dict[str, Any] = {
            "connect_timeout": connect_timeout,
            "read_timeout": read_timeout,
            "total_timeout": total_timeout,
            "retry_policy": retry_policy,
            "cache_backend": cache_backend,
            "rate_limiter": rate_limiter,
            "user_agent": user_agent,
            "logger": logger,
            "ssl_context": ssl_context,
            "parse_float": parse_float,
            "allow_http": allow_http,
            "opener": opener,
            "clock": clock,
            "sleep": sleep,
            "uniform": uniform,
        }
        self.last_rate_limit: RateLimit | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
        extra_headers: Mapping[str, str] | None = None,
        key_in_body: str | None = None,
        changes_state: bool | None = None,
        cache_ttl: float | None = None,
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

        Returns:
            The response, whose status is 2xx.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            ConfigError: The transport is closed.
            ApiError: The server refused.
            TransportError: There was no usable response.
        """
        if self._closed:
            raise ConfigError("the client is closed: make a new one")
        request = self._build(
            method, path, query, body, idempotency_key, extra_headers, key_in_body, changes_state
        )
        # What a call carries is not for the crash reporter that records local variables.
        del query, body, extra_headers
        deadline = Deadline(self.clock, self._timeouts.total, "total")
        if cache_ttl is not None:
            return self._cached(request, _checked_ttl(method, cache_ttl), deadline)
        if not request.changes_state:
            return self._perform(request, deadline)
        try:
            response = self._perform(request, deadline)
        except BaseException as error:  # an interrupted write may have been carried out, too
            if getattr(error, "outcome_unknown", True):
                self._cache.drop(request.path)
            raise
        self._cache.drop(request.path)
        return response

    def with_options(self, changes: Mapping[str, Any]) -> Transport:
        """Return a transport with other options over the same connections.

        Other TLS settings or another opener cannot share them, and begin with none.

        Args:
            changes: Keyword arguments of the constructor, but `api_key` and `base_url`.

        Raises:
            ConfigError: As the constructor, or this transport is closed.
        """
        if self._closed:
            raise ConfigError("the client is closed: make a new one")
        derived = Transport(self._api_key, self._base.url, **{**self._options, **changes})
        if "cache_backend" not in changes:
            derived._cache, derived._flights = self._cache, self._flights
        if not changes.keys() & {"ssl_context", "opener", "allow_http"}:
            derived._pool = self._pool
            derived._owns_pool = False
        return derived

    def close(self) -> None:
        """Close the connections; what is called afterwards raises ConfigError.

        A transport made by `with_options` closes itself alone: the connections belong to the one
        that it was made from.
        """
        self._closed = True
        if self._owns_pool:
            self._pool.close()

    def __repr__(self) -> str:
        # A crash reporter may look at a transport that could not be made.
        base = getattr(self, "_base", None)
        return f"<Transport {base.url} {self._api_key.shown}>" if base else "<Transport>"

    def __reduce__(self) -> str:
        raise TypeError("connections and keys are not pickled: make a client in each process")

    def _cached(self, request: Request, ttl: float, deadline: Deadline) -> Response:
        """Serve the response from the cache, or fetch it once for all threads that miss it."""
        cache = self._cache
        asked_server = False
        try:
            place = cache.place(request, ttl, deadline)
            if place is None:
                return self._perform(request, deadline)

            def fetch() -> Entry:
                # Another thread may have stored it since this one looked.
                entry = cache.load(place.fresh)
                if entry is not None:
                    return entry
                nonlocal asked_server
                asked_server = True
                return self._fetched(request, place, ttl, deadline)

            entry = cache.load(place.fresh) or self._flights.fetch(place.fresh, fetch, deadline)
        except TimeoutError as error:
            if error.request_summary is None:  # it is of waiting for another thread
                error.request_summary = request.summary()
                self._report("error", request, error=str(error))
            raise
        if not asked_server:
            self._report("cache_hit", request, status=entry.status)
        return Response(
            status=entry.status,
            headers=entry.headers,
            content=entry.content,
            request=request,
            attempts=None,
            decode=self._decode,
            forget=lambda: cache.forget(place),
        )

    def _fetched(self, request: Request, place: Place, ttl: float, deadline: Deadline) -> Entry:
        """Fetch a response for the cache; one that was kept may only need the server's word."""
        old = self._cache.load(place.confirmable)
        if old is not None:
            request.headers["If-None-Match"] = old.headers["ETag"]
        response = self._perform(request, deadline)
        if old is not None and response.status == 304:
            entry = old.confirmed(response.headers)
        else:
            entry = Entry(response.status, response.headers, response.content)
        self._cache.store(place, entry, ttl)
        return entry

    def _perform(self, request: Request, deadline: Deadline) -> Response:
        """Attempt the request until it succeeds, or nothing is left but to raise its error."""
        outcome_unknown = False
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(request, attempt, deadline)
            except TesoteError as failure:
                error = failure
            try:
                # An earlier attempt may have been carried out, whatever the last one ended with.
                outcome_unknown = outcome_unknown or _may_have_acted(request, error)
                error.outcome_unknown = outcome_unknown
                error.attempts = attempt
                error.request_id = request.api_key.redact(error.request_id)
                error.request_summary = request.summary()
                delay = self._delay_before_next(error, request, attempt, deadline)
                if delay is None:
                    self._report("error", request, attempt=attempt, error=str(error))
                    raise error
                self._report("retry", request, attempt=attempt, delay=delay, error=str(error))
            finally:
                del error  # or the traceback and this frame would keep each other alive
            self.sleep(delay)

    def _attempt(self, request: Request, attempt: int, deadline: Deadline) -> Response:
        """Send the request once; anything but a usable response is raised as its typed error."""
        if self._log.wants("request"):
            self._log.emit("request", request, request.headers, attempt=attempt)
        permit = self._rate_limiter.acquire(deadline) if self._rate_limiter else None
        started = self.clock()
        rate_limit: RateLimit | None = None
        date: str | None = None
        try:
            reply = self._send(request, deadline)
            date = reply.headers.get("date")
            rate_limit = read_rate_limit(reply.headers, time.time())
        finally:
            if self._rate_limiter and permit:
                self._rate_limiter.release(permit, rate_limit, date)
        headers = reply.headers
        if self._log.wants("response"):
            self._log.emit(
                "response",
                request,
                headers,
                attempt=attempt,
                status=reply.status,
                request_id=headers.get("x-request-id"),
                elapsed_ms=round((self.clock() - started) * 1000, 3),
            )
        if rate_limit is not None:
            self.last_rate_limit = rate_limit
        # They hold headers as they came, and an error's traceback this frame.
        del rate_limit, date
        self._notices.read(request, headers)
        if 200 <= reply.status < 300 or (
            reply.status == 304 and "If-None-Match" in request.headers
        ):
            return Response(
                status=reply.status,
                headers=headers,
                content=reply.content,
                request=request,
                attempts=attempt,
                decode=self._decode,
            )
        from .error_responses import error_from_response  # not every process meets a refusal

        raise error_from_response(reply, now=time.time, redact=self._api_key.redact)

    def _decode(self, text: str) -> Any:
        # No cached_property: before Python 3.12 it holds a lock, which a fork would leave held.
        if self._decoder is None:
            self._decoder = json_decoder(self._parse_float)
        return self._decoder(text)

    def _send(self, request: Request, deadline: Deadline) -> Reply:
        if self._opener is None:
            return self._pool.send(request, deadline, self._timeouts)
        # urllib loads with the first call that needs it.
        from .openers import send_through

        return send_through(self._opener, self._base, request, deadline, self._timeouts)

    def _delay_before_next(
        self, error: TesoteError, request: Request, attempt: int, deadline: Deadline
    ) -> float | None:
        """Return the seconds to wait before another attempt, or None if there is to be none."""
        if not self._retry_policy.allows(error, request, attempt):
            return None
        delay = self._retry_policy.delay(attempt, error.retry_after, self._uniform)
        if delay is None:
            return None
        # Where the limiter would not let it out in time, this error tells more than a timeout.
        held_up = self._rate_limiter.seconds_to_wait() if self._rate_limiter else 0.0
        return None if max(delay, held_up) >= deadline.remaining() else delay

    def _report(self, phase: str, request: Request, **details: Any) -> None:
        if self._log.wants(phase):
            self._log.emit(phase, request, **details)

    def _build(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        idempotency_key: str | None,
        extra_headers: Mapping[str, str] | None,
        key_in_body: str | None,
        changes_state: bool | None,
    ) -> Request:
        """Make the request that every attempt sends, byte for byte."""
        if method not in _METHODS:
            raise InvalidArgumentError(f"method must be one of {', '.join(sorted(_METHODS))}")
        check_path(path)
        headers = dict(self._headers)
        encoded_query = encode_query(query)
        content: bytes | None = None
        shape: dict[str, Any] | None = None
        key = idempotency_key
        if method not in SAFE_METHODS:
            key = _new_idempotency_key() if key is None else _checked_key(key)
            headers["Content-Type"] = "application/json"
            headers["Idempotency-Key"] = key
        elif key is not None:
            raise InvalidArgumentError(f"a {method} request takes no idempotency_key")
        if method in _METHODS_WITH_BODY:
            if key_in_body is not None:
                body = {**body, key_in_body: {**body[key_in_body], "idempotency_key": key}}
            content = encode_json({} if body is None else body)
            shape = {"keys": list(body) if isinstance(body, dict) else [], "bytes": len(content)}
        elif body is not None:
            raise InvalidArgumentError(f"a {method} request has no body: pass parameters as query=")
        if content is not None:
            headers["Content-Length"] = str(len(content))
        if extra_headers:
            _add_fields(headers, extra_headers)
        target = self._base.path + path
        return Request(
            method=method,
            path=path,
            query=encoded_query,
            target=f"{target}?{encoded_query}" if encoded_query else target,
            headers=headers,
            body=content,
            body_shape=shape,
            idempotency_key=key,
            caller_keyed=idempotency_key is not None,
            changes_state=method not in SAFE_METHODS if changes_state is None else changes_state,
            api_key=self._api_key,
        )


def _may_have_acted(request: Request, error: TesoteError) -> bool:
    """Tell whether a failed attempt may have changed something on the server."""
    failed = isinstance(error, ApiError) and (error.http_status or 0) >= 500
    return request.changes_state and (error.outcome_unknown or failed)


def _new_idempotency_key() -> str:
    import uuid

    return str(uuid.uuid4())


def _uniform(low: float, high: float) -> float:
    import random

    return random.uniform(low, high)


def _checked_ttl(method: str, ttl: object) -> float:
    number = isinstance(ttl, (int, float)) and not isinstance(ttl, bool)
    if number and cast("float", ttl) > sys.float_info.max:
        ttl = float("inf")  # as good as, if it is an int that no float can hold
    if not (number and 0 < cast("float", ttl) < float("inf")):
        raise InvalidArgumentError(f"cache_ttl must be a number of seconds above 0, not {ttl!r}")
    if method != "GET":
        raise InvalidArgumentError(f"the response to a {method} request cannot be cached")
    return float(cast("float", ttl))


def _checked_policy(policy: object) -> RetryPolicy:
    if policy is None:
        return RetryPolicy()
    if not isinstance(policy, RetryPolicy):
        raise ConfigError(f"retry_policy must be a RetryPolicy, not {type(policy).__name__}")
    return policy


def _checked_key(key: object) -> str:
    if not isinstance(key, str) or not re.fullmatch(_FIELD_VALUE, key):
        raise InvalidArgumentError("idempotency_key must be a str of latin-1 characters, not empty")
    return key


def _checked_user_agent(user_agent: object) -> str:
    if user_agent is None:
        python = "{}.{}.{}".format(*sys.version_info[:3])
        return f"tesote-sdk-py/{__version__} (python/{python})"
    if not isinstance(user_agent, str) or not re.fullmatch(_FIELD_VALUE, user_agent):
        raise ConfigError("user_agent must be one line of latin-1 characters")
    return user_agent


def _add_fields(headers: dict[str, str], extra: Mapping[str, str]) -> None:
    """Add the caller's fields, in place of the transport's where it lets itself be overruled."""
    # The cache and the reading of a 304 look for If-None-Match by this spelling.
    present = {name.lower(): name for name in (*headers, "If-None-Match")}
    for name, value in extra.items():
        if not isinstance(name, str) or not re.fullmatch(_FIELD_NAME, name):
            raise InvalidArgumentError("extra_headers: a name must be an HTTP token")
        if name.lower() in _OWN_FIELDS:
            raise InvalidArgumentError(f"extra_headers: {name} is set by the SDK")
        if not isinstance(value, str) or not re.fullmatch(_FIELD_VALUE, value):
            raise InvalidArgumentError(
                f"extra_headers: the value of {name} must be one line of latin-1 characters"
            )
        headers[present.get(name.lower(), name)] = value
