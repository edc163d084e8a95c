"""Scripted trouble: failures, delays and dropped connections that a test asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Callable, Generic, Literal, Optional, TypeVar, Union

from ._settings import ErrorStyle, check_choice
from ._wire.errors import ERROR_STATUSES, Refusal
from ._wire.locks import HomeLock
from ._wire.messages import Headers, RecordedRequest, Reply
from ._wire.rate_limits import FixedWindow, Quota

DropMoment = Literal["before_response", "mid_body", "after_processing"]

_USUAL_CODES = {401: "UNAUTHORIZED", 429: "RATE_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR"}

_T = TypeVar("_T")


@dataclass
class _Script(Generic[_T]):
    effect: _T
    remaining: Optional[int]
    path: Optional[str]
    method: Optional[str]

    def matches(self, request: RecordedRequest) -> bool:
        return (self.path is None or fnmatchcase(request.path, self.path)) and (
            self.method is None or request.method == self.method.upper()
        )


class _Scripts(Generic[_T]):
    """A queue of effects; each waits for its requests and is used up by them."""

    def __init__(self) -> None:
        self._home = HomeLock()
        self._scripts: list[_Script[_T]] = []

    def add(
        self, effect: _T, times: Optional[int], path: Optional[str], method: Optional[str] = None
    ) -> None:
        """Queues an effect for the next `times` matching requests; None means for ever.

        Raises:
            ValueError: `times` is less than 1.
        """
        if times is not None and times < 1:
            raise ValueError(f"times must be at least 1, or None for ever; got {times!r}")
        with self._home.lock:
            self._scripts.append(_Script(effect, times, path, method))

    def take(self, request: RecordedRequest) -> Optional[_T]:
        """The first queued effect that matches the request, counted down."""
        with self._home.lock:
            for script in self._scripts:
                if script.matches(request):
                    if script.remaining is not None:
                        script.remaining -= 1
                        if script.remaining == 0:
                            self._scripts.remove(script)
                    return script.effect
        return None

    def clear(self) -> None:
        """Forgets every effect that is still queued."""
        with self._home.lock:
            self._scripts.clear()


def _check_code(error_code: Optional[str], status: Optional[int]) -> None:
    if error_code is None or error_code in ERROR_STATUSES:
        return
    meant = get_close_matches(error_code.upper(), ERROR_STATUSES, n=1, cutoff=0.8)
    if meant:
        raise ValueError(f"the API has no error_code {error_code!r}; {meant[0]!r} is one")
    if status is None:
        raise ValueError(f"the API has no error_code {error_code!r}; to send it, give its status")


@dataclass(frozen=True)
class Plan:
    """What is in store for one request."""

    quota: Quota
    failure: Optional[Reply] = None
    delay: float = 0.0
    drop: Optional[DropMoment] = None


class FaultControls:
    """The part of a sandbox that makes trouble on cue."""

    def __init__(self, style: ErrorStyle, clock: Callable[[], float]) -> None:
        self._style = style
        self._clock = clock
        self._failures: _Scripts[Reply] = _Scripts()
        self._delays: _Scripts[float] = _Scripts()
        self._drops: _Scripts[DropMoment] = _Scripts()
        # Told truthfully like any other quota, and out of the way of every test.
        self._limiter = FixedWindow(1_000_000, 60.0, clock)

    def plan(self, request: RecordedRequest) -> Plan:
        """Counts a request and takes the scripts it uses up: none if the quota refuses it."""
        quota = self._limiter.take()
        if not quota.allowed:
            return Plan(quota, failure=quota.refusal().reply(self._style))
        return Plan(
            quota,
            failure=self._failures.take(request),
            delay=self._delays.take(request) or 0.0,
            drop=self._drops.take(request),
        )

    def fail(
        self,
        status: Optional[int] = None,
        times: Optional[int] = 1,
        error_code: Optional[str] = None,
        retry_after: Union[float, str, None] = None,
        path: Optional[str] = None,
        method: Optional[str] = None,
        body: Union[str, bytes, Mapping[str, object], list[object], None] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> None:
        """Scripts the answer to the next requests, which are then not processed.

        Scripts are used in the order they were added, each by the requests that match it:

            sandbox.fail(error_code="MUTATION_CONFLICT", path="*/transactions/sync")

        Args:
            status: The HTTP status, any; None takes that of `error_code`, else 503.
            times: For how many requests; None means until `clear_faults()`.
            error_code: The code in the envelope; None leaves the usual one of the status, if any.
                A code that the API does not have needs its `status`.
            retry_after: Seconds for the `Retry-After` field and the envelope; a string
                (an HTTP date, say) goes into the field alone.
            path: Only requests to this path below the base URL; `*` stands for anything:
                `"/v2/accounts/*/sync"`.
            method: Only requests with this method.
            body: Sent instead of the envelope: text or bytes as they are, anything else as JSON.
            headers: More header fields; one that is sent anyway is replaced. The connection is
                closed after `Connection: close`.

        Raises:
            ValueError: `times` is less than 1; or `error_code` is misspelled, or unknown and
                without a `status`.
        """
        _check_code(error_code, status)
        fields = dict(headers or {})
        if retry_after is not None and "Retry-After" not in Headers(fields.items()):
            fields["Retry-After"] = str(retry_after)
        if status is None:
            status = ERROR_STATUSES.get(error_code or "", 503)
        if isinstance(body, (str, bytes)):
            content = body.encode("utf-8") if isinstance(body, str) else body
            reply = Reply(status, content=content, content_type="text/html", headers=fields)
        elif body is not None:
            reply = Reply(status, content=json.dumps(body).encode("utf-8"), headers=fields)
        else:
            refusal = Refusal(
                f"Scripted failure {status}",
                error_code or _USUAL_CODES.get(status),
                status=status,
                retry_after=None if isinstance(retry_after, str) else retry_after,
                headers=fields,
            )
            reply = refusal.reply(self._style)
        self._failures.add(reply, times, path, method)

    def delay(self, seconds: float, times: Optional[int] = 1, path: Optional[str] = None) -> None:
        """Holds the answers to the next requests back; what they ask for is done at once.

        Args:
            seconds: For how long. `close()` does not wait for it.
            times: For how many requests; None means until `clear_faults()`.
            path: As for `fail`.

        Raises:
            ValueError: `times` is less than 1.
        """
        self._delays.add(seconds, times, path)

    def drop(
        self,
        times: Optional[int] = 1,
        when: DropMoment = "before_response",
        path: Optional[str] = None,
    ) -> None:
        """Ends the connections of the next requests without a whole answer.

        Args:
            times: For how many requests; None means until `clear_faults()`.
            when: `"before_response"`: nothing is done and nothing answered.
                `"after_processing"`: it is done, and nothing answered.
                `"mid_body"`: it is done, and half of the body is sent.
            path: As for `fail`.

        Raises:
            ValueError: `times` is less than 1, or `when` is none of these.
        """
        check_choice("when", when, DropMoment)
        self._drops.add(when, times, path)

    def clear_faults(self) -> None:
        """Forgets every failure, delay and drop still to come; a rate limit stays."""
        self._failures.clear()
        self._delays.clear()
        self._drops.clear()

    def limit_rate(self, limit: int, window: float) -> None:
        """Enforces a quota from now on, over all clients together.

        Beyond it requests are answered 429 RATE_LIMIT_EXCEEDED, use up no script and change
        nothing. The window is fixed: it opens with a request, and when it ends the whole quota is
        there again.

        Args:
            limit: Requests allowed in a window.
            window: Its length in seconds.
        """
        self._limiter = FixedWindow(limit, window, self._clock)
