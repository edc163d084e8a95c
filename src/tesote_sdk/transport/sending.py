"""Sending a request until it is settled: attempts, retries, waits.

`Sender.perform` and `Sender._attempt` are the story of a call. What a step does is in the modules
beside this one: `connections` (over what), `error_responses` (what a refusal means), `retries`
(whether again, and when).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional

from .._forks import loading_parts, renew_after_fork
from ..errors import ApiError, TesoteError
from .deprecations import DeprecationNotices
from .error_responses import error_from_response
from .json_bodies import json_decoder
from .log_events import EventLog
from .messages import Headers, LastResponse, Reply, Request, Response
from .options import Options
from .pacing import Permit, RateLimiter
from .rate_limits import RateLimit, read_rate_limit, tells_rate_limit
from .timeouts import Deadline

if TYPE_CHECKING:
    from .connections import ConnectionPool
    from .preparing import Preparer


class Sender:
    """Sends the requests of one client.

    Args:
        options: The client's.
        pool: The connections; not used where the options have an opener.
        preparer: Makes the requests.
        log: Hears of every step.
        clock: Seconds on a clock that never steps back.
        sleep: Waits for some seconds.
        uniform: Draws a number between two others.

    Attributes:
        pool: The connections.
        preparer: Makes the requests.
        decode: Decodes JSON as the options ask for.
    """

    def __init__(
        self,
        options: Options,
        pool: ConnectionPool,
        preparer: Preparer,
        log: EventLog,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        uniform: Optional[Callable[[float, float], float]],
    ) -> None:
        self._options = options
        self.pool: ConnectionPool = pool
        self.preparer: Preparer = preparer
        self._log = log
        self._clock = clock
        self._sleep = sleep
        self._uniform = uniform or _uniform
        self._notices = DeprecationNotices(log)
        self.decode: Callable[[str], Any] = json_decoder(options.parse_float)
        self._rate_limit_seen: Optional[tuple[Headers, float]] = None
        self._own = threading.local()
        if options.opener is not None:
            with loading_parts():  # few programs bring one, and it takes urllib
                from .openers import send_through
            self._send_through = send_through
        renew_after_fork(self)

    @property
    def last_response(self) -> Optional[LastResponse]:
        """What this thread's newest answer said about itself, or None before the first."""
        seen: Optional[tuple[int, Headers, int, float]] = getattr(self._own, "seen", None)
        if seen is None:
            return None
        status, headers, attempts, seconds = seen
        return LastResponse(status, headers, attempts, _milliseconds(seconds))

    @property
    def last_rate_limit(self) -> Optional[RateLimit]:
        """The newest rate limit that the server reported, or None before the first response."""
        # Read when somebody asks: most programs never do, and every response has three fields.
        seen = self._rate_limit_seen
        return None if seen is None else read_rate_limit(*seen)

    def perform(self, request: Request, deadline: Deadline) -> Response:
        """Attempt a request until it succeeds, or nothing is left but to raise its error.

        Raises:
            TesoteError: The last attempt's error, with all that is known of the call.
        """
        outcome_unknown = False
        attempt = 0
        is_watched = self._log.wants("request")
        while True:
            attempt += 1
            if is_watched:
                self._log.report("request", request, request.headers, attempt=attempt)
            started = self._clock()
            try:
                return self._attempt(request, attempt, deadline, started, is_watched=is_watched)
            except TesoteError as failure:
                # An earlier attempt may have been carried out, whatever the last one ended with.
                outcome_unknown = outcome_unknown or _may_have_acted(request, failure)
                failure.outcome_unknown = outcome_unknown
                failure.attempts = attempt
                failure.request_id = request.api_key.redact(failure.request_id)
                failure.request_summary = request.summary()
                delay = self._delay_before_next(failure, request, attempt, deadline)
                told = {
                    "attempt": attempt,
                    "elapsed_ms": _milliseconds(self._clock() - started),
                }
                if delay is None:
                    self._log.report("error", request, None, failure, **told)
                    raise
                self._log.report("retry", request, None, failure, **told, delay=delay)
            self._sleep(delay)

    def after_fork_in_child(self) -> None:
        """Forget what a thread of the parent was told."""
        self._own = threading.local()

    def _attempt(
        self,
        request: Request,
        attempt: int,
        deadline: Deadline,
        started: float,
        *,
        is_watched: bool,
    ) -> Response:
        """Send the request once; anything but a usable response is raised as its typed error."""
        limiter = self._options.rate_limiter
        if limiter is None:
            reply, seconds = self._timed(request, deadline, started)
        else:
            reply, seconds = self._paced(limiter, request, deadline)
        headers = reply.headers
        # From here on an answer is there: nothing that is done with it may take its place.
        self._own.seen = reply.status, headers, attempt, seconds
        if is_watched:
            self._log.report(
                "response",
                request,
                headers,
                attempt=attempt,
                status=reply.status,
                request_id=headers.get("x-request-id"),
                elapsed_ms=_milliseconds(seconds),
            )
        if "deprecation" in headers.fields or "sunset" in headers.fields:
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
                decode=self.decode,
                report=self._log.report,
                connection=reply.connection,
            )
        raise error_from_response(
            reply,
            now=time.time,
            redact=request.api_key.redact,
            path=request.base.path + request.path,
        )

    def _paced(
        self, limiter: RateLimiter, request: Request, deadline: Deadline
    ) -> tuple[Reply, float]:
        """Send the request when the limiter lets it, and tell the limiter what came of it.

        Returns:
            The reply, and the seconds that it took, without the wait for the limiter.
        """
        permit: Optional[Permit] = None
        reply: Optional[Reply] = None
        try:
            permit = limiter.acquire(deadline)
            reply, seconds = self._timed(request, deadline, self._clock())
        finally:
            if permit is not None:
                self._give_back(limiter, permit, reply)
        return reply, seconds

    def _give_back(self, limiter: RateLimiter, permit: Permit, reply: Optional[Reply]) -> None:
        """Tell the limiter what came of a call; what it makes of it takes nobody's answer away."""
        fields: Mapping[str, str] = {} if reply is None else reply.headers
        try:
            limiter.release(
                permit,
                read_rate_limit(fields, time.time()),
                fields.get("date"),
                refused=reply is not None and reply.status == 429,
            )
        except Exception as error:  # noqa: BLE001 - of a limiter of the user's own: any type
            self._log.warn("the rate limiter's release failed with %s", type(error).__name__)

    def _timed(self, request: Request, deadline: Deadline, started: float) -> tuple[Reply, float]:
        options = self._options
        if options.opener is None:
            reply = self.pool.send(request, deadline, options)
        else:
            reply = self._send_through(options.opener, request, deadline, options.read_timeout)
        seconds = self._clock() - started
        if tells_rate_limit(reply.headers.fields):
            self._rate_limit_seen = reply.headers, time.time()
        return reply, seconds

    def _delay_before_next(
        self, error: TesoteError, request: Request, attempt: int, deadline: Deadline
    ) -> Optional[float]:
        """Return the seconds to wait before another attempt, or None if there is to be none."""
        policy, limiter = self._options.retry_policy, self._options.rate_limiter
        if not policy.allows(error, request, attempt):
            return None
        delay = policy.delay(attempt, error.retry_after, self._uniform)
        if delay is None:
            return None
        # Where the limiter would not let it out in time, this error tells more than a timeout.
        held_up = limiter.seconds_to_wait() if limiter else 0.0
        return None if max(delay, held_up) >= deadline.remaining() else delay


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _may_have_acted(request: Request, error: TesoteError) -> bool:
    """Tell whether a failed attempt may have changed something on the server."""
    failed = isinstance(error, ApiError) and (error.http_status or 0) >= 500
    return request.changes_state and (error.outcome_unknown or failed)


def _uniform(low: float, high: float) -> float:
    # As random.SystemRandom does it, without the module: an error is on its way already, and
    # forked processes do not draw the same numbers.
    return low + (high - low) * (int.from_bytes(os.urandom(7), "big") >> 3) * 2.0**-53
