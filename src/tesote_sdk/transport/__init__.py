"""The only place that touches the network: one logical request, and all that it may need."""

from .cache import CacheBackend
from .memory_cache import InMemoryLRUCache
from .messages import LastResponse, Response
from .options import DEFAULT_CONNECT_TIMEOUT, DEFAULT_READ_TIMEOUT, Options
from .origin import DEFAULT_BASE_URL
from .pacing import RateLimiter
from .rate_limits import RateLimit
from .retries import RetryPolicy
from .transport import Transport

__all__ = [
    "DEFAULT_BASE_URL",
    "DEFAULT_CONNECT_TIMEOUT",
    "DEFAULT_READ_TIMEOUT",
    "CacheBackend",
    "InMemoryLRUCache",
    "LastResponse",
    "Options",
    "RateLimit",
    "RateLimiter",
    "Response",
    "RetryPolicy",
    "Transport",
]
