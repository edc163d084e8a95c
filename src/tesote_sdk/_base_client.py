"""What V1Client and V2Client share: configuration, lifetime, status, whoami and raw requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional, TypeVar, Union

from ._error_base import operation
from ._hints import logging, ssl, types
from ._resource import Resource, json_object
from .transport.cache import CacheBackend
from .transport.log_events import LogCallback
from .transport.messages import LastResponse, Response
from .transport.options import (
    DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_READ_TIMEOUT,
    DEFAULT_TOTAL_TIMEOUT,
    HeadersOption,
    Options,
)
from .transport.pacing import RateLimiter
from .transport.rate_limits import RateLimit
from .transport.retries import RetryPolicy
from .transport.transport import Transport


class _Unchanged:
    def __repr__(self) -> str:
        return "<unchanged>"


_UNCHANGED: Any = _Unchanged()

_status: Callable[[Response], types.Status] = json_object("status")
"""Made once, and not anew by each call."""


class BaseClient(Resource):
    """The part of a client that does not depend on the API's version.

    V1Client and V2Client document the arguments, each in full: `help` and editors show a class's
    own docstring.
    """

    _version_prefix = ""

    @operation
    def __init__(
        self,
        api_key: Optional[str] = None,
        *,
        base_url: Optional[str] = None,
        connect_timeout: Optional[float] = DEFAULT_CONNECT_TIMEOUT,
        read_timeout: Optional[float] = DEFAULT_READ_TIMEOUT,
        total_timeout: Optional[float] = DEFAULT_TOTAL_TIMEOUT,
        retry_policy: Optional[RetryPolicy] = None,
        cache_backend: Optional[CacheBackend] = None,
        rate_limiter: Optional[RateLimiter] = None,
        user_agent: Optional[str] = None,
        logger: Union[LogCallback, logging.Logger, None] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
        parse_float: Optional[Callable[[str], Any]] = float,
        headers: Optional[HeadersOption] = None,
        allow_http: bool = False,
        opener: Optional[Callable[..., Any]] = None,
    ) -> None:
        options = Options(
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            total_timeout=total_timeout,
            retry_policy=retry_policy,
            cache_backend=cache_backend,
            rate_limiter=rate_limiter,
            user_agent=user_agent,
            logger=logger,
            ssl_context=ssl_context,
            parse_float=parse_float,
            headers=headers,
            allow_http=allow_http,
            opener=opener,
        )
        self._attach(Transport(api_key, base_url, options))

    def _attach(self, transport: Transport) -> None:
        """Bind the client and its resources to a transport."""
        self._transport = transport

    @property
    def transport(self) -> Transport:
        """What the client sends through."""
        return self._transport

    @property
    def last_rate_limit(self) -> Optional[RateLimit]:
        """The newest rate limit that the server reported, or None before the first response."""
        return self._transport.last_rate_limit

    @property
    def last_response(self) -> Optional[LastResponse]:
        """What this thread's newest answer said about itself, or None before the first.

        It has `status`, `headers`, `request_id`, `attempts` and `elapsed_ms`, and no body.
        """
        return self._transport.last_response

    @operation
    def status(self, *, cache_ttl: Optional[float] = None) -> types.Status:
        """Ask whether the API is up and knows the key.

        Args:
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Returns:
            `status` (`"ok"`) and, if the server sends them, `authenticated` and more.

        Raises:
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        path = f"{self._version_prefix}/status"
        return self._call("GET", path, _status, operation="status", cache_ttl=cache_ttl)

    @operation
    def whoami(self, *, cache_ttl: Optional[float] = None) -> types.WhoAmI:
        """Ask whose key this is.

        Args:
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Returns:
            What the server sent: `client` with `id`, `name` and `type`, or the flat form with
            `workspace_id`, `workspace_name`, `api_key_name` and `permissions`.

        Raises:
            UnauthorizedError: The key is not valid.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        path = f"{self._version_prefix}/whoami"
        return self._call("GET", path, json_object(), operation="whoami", cache_ttl=cache_ttl)

    @operation
    def request(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        body: Any = None,
        idempotency_key: Optional[str] = None,
        cache_ttl: Optional[float] = None,
        extra_headers: Optional[Mapping[str, str]] = None,
    ) -> Response:
        """Call any endpoint, even one that the SDK has no method for.

        Args:
            method: GET, HEAD, POST, PUT, PATCH or DELETE.
            path: Below the base URL, with the API's version: `/v2/accounts`.
            query: Parameters. Those that are None are omitted.
            body: What is sent as JSON with POST, PUT or PATCH; None sends `{}`.
            idempotency_key: Names this write, so that the server can tell a repeat. None makes one.
            cache_ttl: Seconds for which the response to a GET may serve a repeat of it. None always
                asks the server.
            extra_headers: Further header fields.

        Returns:
            The response: `status`, `headers`, `content`, `body`, `json`, `request_id`.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._transport._request(
            method,
            path,
            query=query,
            body=body,
            idempotency_key=idempotency_key,
            cache_ttl=cache_ttl,
            extra_headers=extra_headers,
        )

    @operation
    def with_options(
        self: Client,
        *,
        connect_timeout: Optional[float] = _UNCHANGED,
        read_timeout: Optional[float] = _UNCHANGED,
        total_timeout: Optional[float] = _UNCHANGED,
        retry_policy: Optional[RetryPolicy] = _UNCHANGED,
        cache_backend: Optional[CacheBackend] = _UNCHANGED,
        rate_limiter: Optional[RateLimiter] = _UNCHANGED,
        user_agent: Optional[str] = _UNCHANGED,
        logger: Union[LogCallback, logging.Logger, None] = _UNCHANGED,
        ssl_context: Optional[ssl.SSLContext] = _UNCHANGED,
        parse_float: Optional[Callable[[str], Any]] = _UNCHANGED,
        headers: Optional[HeadersOption] = _UNCHANGED,
        allow_http: bool = _UNCHANGED,
        opener: Optional[Callable[..., Any]] = _UNCHANGED,
    ) -> Client:
        """Return a second client with other options over the same connections.

        It is cheap enough for a single call:

            client.with_options(read_timeout=120).transactions.export(account_id)

        Options that you do not pass stay as they are; None restores the constructor's default.
        With other TLS settings or another opener, the second client has its own connections.
        Closing it leaves the first one open; closing the first one ends the connections of both.

        Raises:
            ConfigError: As the constructor, or this client is closed.
        """
        given = {
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
            "headers": headers,
            "allow_http": allow_http,
            "opener": opener,
        }
        changes = {name: value for name, value in given.items() if value is not _UNCHANGED}
        transport = self._transport
        second = object.__new__(type(self))
        # With the attributes that a user's subclass has: its constructor may take other arguments.
        vars(second).update(vars(self))
        second._attach(transport.with_options(transport.options.replace(**changes)))
        return second

    def close(self) -> None:
        """Close the connections; a call afterwards raises ConfigError. Closing twice is fine."""
        self._transport.close()

    def __enter__(self: Client) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        # Also while a debugger looks at a client that is still being made.
        shown = repr(getattr(self, "_transport", None))
        return f"<{type(self).__name__}{shown[len('<Transport') : -1]}>"

    def __reduce__(self) -> str:
        raise TypeError("a client holds connections and a key: make one in each process")


Client = TypeVar("Client", bound=BaseClient)
