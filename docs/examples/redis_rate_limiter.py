"""Share one rate limit between processes and machines, in a Redis.

    pip install redis
    python docs/examples/redis_rate_limiter.py [redis://localhost:6379/0]

Four processes ask for the accounts as fast as they may, and print how often they were refused: not
once. Without TESOTE_SDK_API_KEY in the environment they ask a sandbox on this machine, which needs
no network; with it, the real API.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tesote_sdk import RateLimiter, TesoteError, V2Client

if TYPE_CHECKING:
    from tesote_sdk.transport.pacing import Permit

POLL = 0.02
"""Seconds after which to ask again, where only another call's answer can tell."""

LIFETIME = 60.0
"""Seconds after which a call of a process that died no longer counts as in flight."""

PAUSE = 5.0
"""Seconds for which a Redis that failed is not asked."""

STATE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local empty = '{"window": 1, "callers": 1, "calls": {}}'
local state = cjson.decode(redis.call('GET', KEYS[1]) or empty)
local function count(calls)
    local number = 0
    for _ in pairs(calls) do number = number + 1 end
    return number
end
local function begin_window(left)
    state.window, state.left, state.ends = state.window + 1, left, nil
    state.callers, state.calls = count(state.calls), {}
end
local function keep()
    redis.call('SET', KEYS[1], cjson.encode(state), 'PX', 7200000)
end
"""

TAKE = (
    STATE
    + """
local token, spare = ARGV[1], tonumber(ARGV[2])
local poll, lifetime, caller = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local out = redis.call('ZCARD', KEYS[2])
if state.ends and now >= state.ends then
    begin_window(state.limit)
end
local mine = state.calls[caller] or 0
local callers = math.max(state.callers, count(state.calls), 1)
local wait = 0
if not state.left then
    -- The first call goes alone, to hear how many there may be.
    if out > 0 and not state.heard then wait = poll end
elseif state.left - out <= spare or mine >= (state.limit or state.left) / callers then
    -- Few are left, or this caller has had its share: the others may be slower.
    local available = state.left - out
    if not state.ends then
        if available <= 0 and out > 0 then wait = poll end
    elseif available > 0 then
        wait = state.last + (state.ends - state.last) / (available + 1) - now
    else
        wait = state.left > 0 and poll or state.ends - now
    end
end
local call = ''
if wait <= 0 and token ~= '' then
    call = string.format('%d:%s:%s', state.window, state.left or '', token)
    redis.call('ZADD', KEYS[2], now + lifetime, call)
    redis.call('PEXPIRE', KEYS[2], lifetime)
    state.last, state.calls[caller] = now, mine + 1
    keep()
end
return {tostring(wait), call}
"""
)

GIVE_BACK = (
    STATE
    + """
local call, limit = ARGV[1], tonumber(ARGV[2])
local remaining, ends_in = tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREM', KEYS[2], call)
state.heard = true
local window, left = string.match(call, '^(%d+):([^:]*):')
window, left = tonumber(window), tonumber(left)
if window ~= state.window or not remaining then
    -- It may have been counted, and in the present window.
    state.left = state.left and state.left - 1
else
    if (left and remaining > left) or (state.limit and limit ~= state.limit) then
        -- The window has ended sooner than it was announced, or is another.
        begin_window(nil)
    end
    state.limit = limit
    state.left = math.min(state.left or remaining, remaining)
    if ends_in then
        state.ends = math.min(state.ends or now + ends_in, now + ends_in)
    end
end
keep()
"""
)


class RedisRateLimiter(RateLimiter):
    """A limiter whose window is in a Redis: all that use the same name keep to one limit together.

    Where the Redis cannot be reached, each process goes on by itself, as a plain `RateLimiter`.

    Args:
        redis: The Redis. One that soon gives up is better than one that waits.
        name: What the quota is called there: one for each API key.
        min_remaining: As for `RateLimiter`.
    """

    def __init__(self, redis: Redis, name: str = "tesote", min_remaining: int = 10) -> None:
        super().__init__(min_remaining)
        self._redis = redis
        self._spare = min_remaining
        # The braces keep both on one node of a cluster.
        self._keys = [f"{{{name}}}:window", f"{{{name}}}:calls"]
        self._take = redis.register_script(TAKE)
        self._give_back = redis.register_script(GIVE_BACK)
        self._name = uuid.uuid4().hex
        self._away_until = 0.0

    def take(self, permit: Permit) -> float:
        """Let a call be made now, or tell when to ask again."""
        answer = self._ask(uuid.uuid4().hex)
        if answer is None:
            return super().take(permit)
        wait, member = answer
        if wait <= 0:
            permit.token = member
        return wait

    def give_back(
        self, permit: Permit, limit: int | None, remaining: int | None, ends_in: float | None
    ) -> None:
        """Take note of how a call ended."""
        if permit.token is None:
            super().give_back(permit, limit, remaining, ends_in)
            return
        known = [limit, remaining, None if ends_in is None else ends_in * 1000]
        values = ["" if value is None else value for value in known]
        try:
            self._give_back(self._keys, [permit.token, *values])
        except RedisError:
            self._away_until = time.monotonic() + PAUSE

    def seconds_to_wait(self) -> float:
        """Return the seconds for which no call may be made, 0.0 if that is not known to be so."""
        answer = self._ask("")
        return super().seconds_to_wait() if answer is None else max(0.0, answer[0])

    def _ask(self, token: str) -> tuple[float, str] | None:
        """Return the seconds to wait and what the call is known by, or None without a Redis."""
        if time.monotonic() < self._away_until:
            return None
        try:
            caller = f"{self._name}:{os.getpid()}"
            arguments = [token, self._spare, POLL * 1000, LIFETIME * 1000, caller]
            wait, member = self._take(self._keys, arguments)
        except RedisError:
            self._away_until = time.monotonic() + PAUSE
            return None
        return float(wait) / 1000, member.decode()


def connect(url: str, name: str = "tesote") -> RedisRateLimiter:
    """Return a limiter that soon gives up: calls are worth more than sharing."""
    never = Retry(NoBackoff(), 0)
    return RedisRateLimiter(
        Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=0.5, retry=never), name
    )


def work(url: str) -> int:
    """Make some calls, and return how many answers were 429."""
    statuses = []
    with V2Client(
        rate_limiter=connect(url), logger=lambda event: statuses.append(event.get("status"))
    ) as client:
        for _ in range(10):
            client.accounts.list(per_page=1)
    return statuses.count(429)


def main(url: str = "redis://localhost:6379/0") -> None:
    with ExitStack() as stack:
        if not os.environ.get("TESOTE_SDK_API_KEY"):
            from tesote_sdk.sandbox import Sandbox

            sandbox = stack.enter_context(Sandbox())
            sandbox.limit_rate(limit=20, window=1)
            os.environ["TESOTE_SDK_API_KEY"] = sandbox.api_key
            os.environ["TESOTE_SDK_API_URL"] = sandbox.url
        pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(4))
        try:
            refusals = pool.map(work, [url] * 4)
        except TesoteError as error:
            sys.exit(f"redis_rate_limiter: {error}")
    print(f"40 calls of 4 processes, refused: {sum(refusals)}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
