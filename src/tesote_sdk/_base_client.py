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


class BaseClient(Resource):
    """A client of the API; one may be shared by any number of threads.

    Making one opens no socket, starts no thread and reads no file. It survives a fork: a child
    never touches its parent's connections. It is a context manager that closes itself.

    Args:
        api_key: The bearer key. None takes the environment's `TESOTE_SDK_API_KEY`.
        base_url: Where the API is. None takes the environment's `TESOTE_SDK_API_URL`, then
            `https://equipo.tesote.com/api`.
        connect_timeout: Seconds for reaching the server: name resolution, connect, proxy and TLS
            handshake together. None is the default, as for all timeouts.
        read_timeout: Seconds that the server may stay silent, each time.
        total_timeout: Seconds for a whole call: all attempts and the waits between them.
        retry_policy: What is tried again, and when. None is `RetryPolicy()`: three attempts.
        cache_backend: Keeps the responses of calls with `cache_ttl`, such as a Redis that many
            processes share. None keeps them in this client's memory.
        rate_limiter: Paces the calls by what the server reports; it may be shared by clients. None
            lets the server refuse what is too much, and waits then.
        user_agent: Replaces the User-Agent header.
        logger: A callback that receives a mapping for each event (a request, a response, a retry,
            an error), or a `logging.Logger`. None is the logger `tesote_sdk`.
        ssl_context: TLS settings, for a private CA or a client certificate.
        parse_float: Makes a number of the text of each JSON number that is not whole; pass
            `decimal.Decimal` for exact money.
        headers: Further header fields for every call, or a function that returns them. It is asked
            once a call, so that all attempts of a call are alike.
        allow_http: Allows plain http to a host other than this machine. The API key then crosses
            the network in clear text.
        opener: Sends in place of the built-in connections. It is called as
            `urllib.request.urlopen` is, with a `urllib.request.Request` and `timeout=`.

    Raises:
        ConfigError: An argument, or what the environment holds in its place, cannot be used.
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
        """The newest rate limit that the server reported, or None before the first."""
        return self._transport.last_rate_limit

    @property
    def last_response(self) -> Optional[LastResponse]:
        """What the newest answer that this thread got said of itself, or None before the first.

        It has `status`, `headers`, `request_id`, `attempts` and `elapsed_ms`, and no body.
        """
        return self._transport.last_response

    @operation
    def status(self, *, cache_ttl: Optional[float] = None) -> types.Status:
        """Ask whether the API is up, and whether it knows the key.

        Args:
            cache_ttl: Seconds for which the response may serve a repeat. None always asks the
                server.

        Returns:
            `status` (`"ok"`) and, where the server sends them, `authenticated` and more.

        Raises:
            ApiError: The server refused.
            TransportError: There was no usable answer.
        """
        path = f"{self._version_prefix}/status"
        return self._call(
            "GET", path, json_object("status"), operation="status", cache_ttl=cache_ttl
        )

    @operation
    def whoami(self, *, cache_ttl: Optional[float] = None) -> types.WhoAmI:
        """Ask whose key this is.

        Args:
            cache_ttl: Seconds for which the response may serve a repeat. None always asks the
                server.

        Returns:
            What the server sent: `client` with `id`, `name` and `type`, or the flat form with
            `workspace_id`, `workspace_name`, `api_key_name` and `permissions`.

        Raises:
            UnauthorizedError: The key is not valid.
            ApiError: The server refused.
            TransportError: There was no usable answer.
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
        """Call any endpoint, also one that the SDK has no method for.

        Args:
            method: GET, HEAD, POST, PUT, PATCH or DELETE.
            path: Below the base URL, with the API's version: `/v2/accounts`.
            query: Parameters; those that are None are left out.
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
            TransportError: There was no usable answer.
        """
        return self._transport.request(
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

        What is not passed stays as it is; None is the constructor's default again. Other TLS
        settings or another opener begin with connections of their own. Closing the second client
        leaves the first one open; closing the first one ends the connections of both.

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
