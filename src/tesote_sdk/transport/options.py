"""Options: all that a client can be told about how it is to call, as one checked value."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, Callable, Optional, TypeVar, Union, cast

from .._hints import logging, ssl
from .._version import __version__
from ..errors import ConfigError, InvalidArgumentError
from .cache import CacheBackend
from .encoding import checked_fields, is_field_value
from .log_events import LogCallback
from .pacing import RateLimiter
from .retries import RetryPolicy
from .values import Value

T = TypeVar("T")
HeadersOption = Union[Mapping[str, str], Callable[[], Mapping[str, str]]]

DEFAULT_CONNECT_TIMEOUT = 5.0
"""Seconds for reaching the server: name resolution, TCP, proxy and TLS handshake together."""

DEFAULT_READ_TIMEOUT = 30.0
"""Seconds that the server may stay silent, each time."""

DEFAULT_TOTAL_TIMEOUT = 300.0
"""Seconds for a whole call: every attempt, and the waits between them."""

_LONGEST = 1e6
"""Seconds that any timeout is cut to, 11 days: sockets take no more than 2**31 milliseconds."""


class Options(Value):
    """How a client calls; immutable, and checked when it is made.

    `BaseClient` describes each option; None is the default of any. The attributes are what is in
    force: no timeout and no policy is None.

    Raises:
        ConfigError: An option cannot be used; the message says which, and what to do.
    """

    __slots__ = (
        "allow_http",
        "cache_backend",
        "connect_timeout",
        "headers",
        "logger",
        "opener",
        "parse_float",
        "rate_limiter",
        "read_timeout",
        "retry_policy",
        "ssl_context",
        "total_timeout",
        "user_agent",
    )

    connect_timeout: float
    read_timeout: float
    total_timeout: float
    retry_policy: RetryPolicy
    cache_backend: Optional[CacheBackend]
    rate_limiter: Optional[RateLimiter]
    user_agent: str
    logger: Union[LogCallback, logging.Logger, None]
    ssl_context: Optional[ssl.SSLContext]
    parse_float: Callable[[str], Any]
    headers: Optional[HeadersOption]
    allow_http: bool
    opener: Optional[Callable[..., Any]]

    def __init__(
        self,
        *,
        connect_timeout: Optional[float] = None,
        read_timeout: Optional[float] = None,
        total_timeout: Optional[float] = None,
        retry_policy: Optional[RetryPolicy] = None,
        cache_backend: Optional[CacheBackend] = None,
        rate_limiter: Optional[RateLimiter] = None,
        user_agent: Optional[str] = None,
        logger: Union[LogCallback, logging.Logger, None] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
        parse_float: Optional[Callable[[str], Any]] = None,
        headers: Optional[HeadersOption] = None,
        allow_http: bool = False,
        opener: Optional[Callable[..., Any]] = None,
    ) -> None:
        self._set(
            connect_timeout=_seconds("connect_timeout", connect_timeout, DEFAULT_CONNECT_TIMEOUT),
            read_timeout=_seconds("read_timeout", read_timeout, DEFAULT_READ_TIMEOUT),
            total_timeout=_seconds("total_timeout", total_timeout, DEFAULT_TOTAL_TIMEOUT),
            retry_policy=_instance("retry_policy", retry_policy, RetryPolicy) or RetryPolicy(),
            cache_backend=_backend(cache_backend),
            rate_limiter=_instance("rate_limiter", rate_limiter, RateLimiter),
            user_agent=_user_agent(user_agent),
            logger=_logger(logger),
            ssl_context=_context(ssl_context),
            parse_float=_function("parse_float", parse_float) or float,
            headers=_headers(headers),
            allow_http=bool(allow_http),
            opener=_function("opener", opener),
        )

    def __repr__(self) -> str:
        # Header fields and openers may hold what is nobody else's business.
        return "<Options>"


def _seconds(name: str, value: Optional[float], default: float) -> float:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not 0 < value < math.inf:  # false for NaN, too
        raise ConfigError(f"{name} must be a positive, finite number of seconds, not {value}")
    return float(min(value, _LONGEST))


def _user_agent(user_agent: object) -> str:
    if user_agent is None:
        python = "{}.{}.{}".format(*sys.version_info[:3])
        return f"tesote-sdk-py/{__version__} (python/{python})"
    if not is_field_value(user_agent):
        raise ConfigError("user_agent must be one line of latin-1 characters")
    return cast("str", user_agent)


def _instance(name: str, value: object, kind: type[T]) -> Optional[T]:
    if value is None or isinstance(value, kind):
        return value
    given = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
    raise ConfigError(f"{name} must be a {kind.__name__}, such as {kind.__name__}(), not {given}")


def _function(name: str, value: Any) -> Any:
    if not (value is None or callable(value)):
        raise ConfigError(f"{name} must be a function, not {type(value).__name__}")
    return value


def _backend(backend: Any) -> Any:
    methods = [getattr(backend, name, None) for name in ("get", "set", "delete")]
    if backend is None or (all(map(callable, methods)) and not isinstance(backend, type)):
        return backend
    raise ConfigError(
        "cache_backend must be an object with the methods get, set and delete, such as "
        f"InMemoryLRUCache(), not {type(backend).__name__}"
    )


def _context(context: Any) -> Any:
    if context is None or hasattr(context, "wrap_socket"):
        return context
    raise ConfigError(f"ssl_context must be an ssl.SSLContext, not {type(context).__name__}")


def _logger(logger: Any) -> Any:
    if logger is None or callable(logger) or callable(getattr(logger, "isEnabledFor", None)):
        return logger
    raise ConfigError(f"logger must be a function or a logging.Logger, not {type(logger).__name__}")


def _headers(headers: Any) -> Any:
    if headers is None or callable(headers):
        return headers
    try:
        return checked_fields("headers", headers)
    except InvalidArgumentError as error:
        raise ConfigError(error.message) from None
