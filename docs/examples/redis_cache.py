"""Share cached responses between processes, in a Redis.

    pip install redis
    python docs/examples/redis_cache.py [redis://localhost:6379/0]

It asks for the accounts twice; the second answer comes out of the Redis. Without
TESOTE_SDK_API_KEY in the environment it asks a sandbox on this machine, which needs no network;
with it, the real API.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tesote_sdk import TesoteError, V2Client

if TYPE_CHECKING:
    from redis import Redis


class RedisCache:
    """What `V2Client(cache_backend=...)` takes, over redis-py."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self, key: str) -> bytes | None:
        """Return the value that was set, or None."""
        return self._redis.get(key)

    def set(self, key: str, value: bytes, ttl: float) -> None:
        """Have Redis keep a value for some seconds, and then let it go by itself."""
        self._redis.set(key, value, px=max(1, int(ttl * 1000)))

    def delete(self, key: str) -> None:
        """Forget a value."""
        self._redis.delete(key)


def connect(url: str) -> RedisCache:
    """Return a cache that soon gives up: asking the API is better than waiting for a Redis."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    never = Retry(NoBackoff(), 0)
    return RedisCache(
        Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=0.5, retry=never)
    )


def main(url: str = "redis://localhost:6379/0") -> None:
    try:
        cache = connect(url)
    except ImportError:
        sys.exit("redis_cache: redis-py is not here: pip install redis")
    except ValueError:  # whose text may hold a part of the password
        sys.exit("redis_cache: this is no address of a Redis, such as redis://localhost:6379/0")
    try:
        with ExitStack() as stack:
            phases = ask_twice(stack, cache)
    except (TesoteError, OSError) as error:
        sys.exit(f"redis_cache: {plain(error)}")
    except KeyboardInterrupt:
        sys.exit(130)
    if "cache_hit" not in phases:
        print("Both came from the API: no Redis answers at this address.")


def ask_twice(stack: ExitStack, cache: RedisCache) -> list[object]:
    """Ask for the accounts twice, and return the phases that the calls went through."""
    where = {}
    if not os.environ.get("TESOTE_SDK_API_KEY"):
        from tesote_sdk.sandbox import Sandbox

        sandbox = stack.enter_context(Sandbox())
        where = {"api_key": sandbox.api_key, "base_url": sandbox.url}
    phases: list[object] = []

    def note(event: dict[str, object]) -> None:
        phases.append(event["phase"])
        print(event["phase"])

    client = stack.enter_context(V2Client(cache_backend=cache, logger=note, **where))
    for _ in range(2):
        print(f"{len(client.accounts.list(cache_ttl=30).data)} accounts")
    return phases


def plain(text: object) -> str:
    """Return a text of the server without characters that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


if __name__ == "__main__":
    main(*sys.argv[1:2])
