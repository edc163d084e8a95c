"""What the log callback and the standard logger `tesote_sdk` receive."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Callable, Optional, Union

from .._forks import loading
from .._hints import logging
from .messages import Request

LogCallback = Callable[[Mapping[str, Any]], object]
"""Called with one mapping an event; what it returns is ignored."""

_SHOWN = frozenset(
    {
        "accept",
        "accept-encoding",
        "cache-control",
        "connection",
        "content-disposition",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "etag",
        "host",
        "idempotency-key",
        "if-none-match",
        "retry-after",
        "server",
        "transfer-encoding",
        "user-agent",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
    }
)
"""The header fields that a log may hold: what is not named here is not shown."""


class EventLog:
    """Tells the user's callback or logger, and the standard logger, what becomes of a request.

    Nothing that a log does can end a call, least of all one that was carried out.

    Args:
        target: The user's: a callback, or a `logging.Logger` in place of the standard one.
    """

    def __init__(self, target: Union[LogCallback, logging.Logger, None]) -> None:
        self._callback: Optional[LogCallback] = None
        self._logger: Optional[logging.Logger] = None
        if callable(target):
            self._callback = target
        else:
            self._logger = target

    def wants(self, phase: str) -> bool:
        """Tell whether anyone listens, so that nothing is put together for nobody."""
        return self._callback is not None or self._is_logged(_LEVELS.get(phase, _DEBUG))

    def report(
        self,
        phase: str,
        request: Request,
        headers: Optional[Mapping[str, str]] = None,
        **details: Any,
    ) -> None:
        """Report one event of a request, if anyone listens.

        Args:
            phase: `request`, `response`, `retry`, `error` or `cache_hit`.
            request: What it is about.
            headers: Of the message, if the phase has one; reduced to those that may be shown.
            details: What else the phase has: attempt, status, request_id, elapsed_ms
                (milliseconds), delay (seconds), error.
        """
        try:
            if self.wants(phase):
                self._emit(phase, request, headers, details)
        except Exception as error:  # noqa: BLE001 - a log must not break what it reports
            self.warn("the log callback failed with %s", type(error).__name__)

    def warn(self, message: str, *arguments: object) -> None:
        """Tell the standard logger of a failure that costs nothing but convenience."""
        try:
            self._std_logger().warning(message, *arguments)
        except Exception:  # noqa: BLE001
            # The logger is what has failed: there is nobody left to tell, and a call to finish.
            return

    def _emit(
        self,
        phase: str,
        request: Request,
        headers: Optional[Mapping[str, str]],
        details: Mapping[str, Any],
    ) -> None:
        redact = request.api_key.redact
        event: dict[str, Any] = {
            "phase": phase,
            "method": request.method,
            "url": request.shown_url(),
        }
        event.update((name, redact(value)) for name, value in details.items())
        if headers is not None:
            event["headers"] = _shown(headers, request, phase)
        level = _LEVELS.get(phase, _DEBUG)
        if self._is_logged(level):
            more = {name: event[name] for name in event if name not in ("phase", "method", "url")}
            self._std_logger().log(level, "%s %s %s %s", phase, request.method, event["url"], more)
        if self._callback is not None:
            self._callback(event)

    def _is_logged(self, level: int) -> bool:
        # Nobody can have configured a logging module that nobody has imported.
        if self._logger is None and "logging" not in sys.modules:
            return False
        return self._std_logger().isEnabledFor(level)

    def _std_logger(self) -> logging.Logger:
        if self._logger is None:
            with loading():  # few programs log
                import logging
            self._logger = logging.getLogger("tesote_sdk")
        return self._logger


_DEBUG, _INFO = 10, 20
_LEVELS = {"retry": _INFO}
"""The numbers of `logging.DEBUG` and `logging.INFO`, without the module."""


def _shown(headers: Mapping[str, str], request: Request, phase: str) -> dict[str, str]:
    redact = request.api_key.redact
    shown = {name: value for name, value in headers.items() if name.lower() in _SHOWN}
    together = "\n".join(shown.values())
    if redact(together) != together:
        shown = {name: redact(value) for name, value in shown.items()}
    if phase == "request":
        shown["Authorization"] = request.api_key.shown
    return shown
