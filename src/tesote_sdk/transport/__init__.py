"""The only place that touches the network: one logical request, and all that it may need."""

from .cache import CacheBackend, InMemoryLRUCache
from .messages import Response
from .origin import DEFAULT_BASE_URL
from .pacing import RateLimiter
from .rate_limits import RateLimit
from .retries import RetryPolicy
from .timeouts import DEFAULT_CONNECT_TIMEOUT, DEFAULT_READ_TIMEOUT
from .transport import Transport

__all__ = [
    "DEFAULT_BASE_URL",
    "DEFAULT_CONNECT_TIMEOUT",
    "DEFAULT_READ_TIMEOUT",
    "CacheBackend",
    "InMemoryLRUCache",
    "RateLimit",
    "RateLimiter",
    "Response",
    "RetryPolicy",
    "Transport",
]
