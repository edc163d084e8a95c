"""What the log callback and the standard logger `tesote_sdk` receive."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Callable, Optional, Union

from .._forks import loading
from .._hints import logging
from ..errors import ConfigError, TesoteError
from .messages import Request
from .path_templates import path_template

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
        try:
            return self._callback is not None or self._is_logged(_LEVELS.get(phase, _DEBUG))
        except Exception as problem:  # noqa: BLE001 - a log must not break what it reports
            self.warn("the logger failed with %s", type(problem).__name__)
            return False

    def report(
        self,
        phase: str,
        request: Request,
        headers: Optional[Mapping[str, str]] = None,
        error: Optional[TesoteError] = None,
        **details: Any,
    ) -> None:
        """Report one event of a request, if anyone listens.

        Args:
            phase: `request`, `response`, `retry`, `error` or `cache_hit`.
            request: What it is about.
            headers: Of the message, if the phase has one; reduced to those that may be shown.
            error: What it failed with, if it did.
            details: What else the phase has: attempt, status, request_id, elapsed_ms
                (milliseconds), delay (seconds).
        """
        try:
            if self.wants(phase):
                self._emit(phase, request, headers, error, details)
        except Exception as problem:  # noqa: BLE001 - a log must not break what it reports
            self.warn("the log callback failed with %s", type(problem).__name__)

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
        error: Optional[TesoteError],
        details: dict[str, Any],
    ) -> None:
        redact = request.api_key.redact
        if request.told is None:
            request.told = {
                "method": request.method,
                "url": request.shown_url(),
                "operation": request.operation,
                "path_template": path_template(request.path),
            }
        event: dict[str, Any] = {"phase": phase, **request.told}
        if error is not None:
            details.update(
                error=str(error),
                error_type=type(error).__name__,
                error_code=error.error_code,
                status=error.http_status,
                request_id=error.request_id,
            )
        event.update(details)
        if headers is not None:
            event["headers"] = _shown(headers)
        texts = [value for value in event.values() if isinstance(value, str)]
        if headers is not None:
            texts += event["headers"].values()
        together = "\n".join(texts)
        if redact(together) != together:  # hardly ever, so that one look at all of them is enough
            event = redact(event)
        if headers is not None and phase == "request":
            event["headers"]["Authorization"] = request.api_key.shown
        level = _LEVELS.get(phase, _DEBUG)
        if self._is_logged(level):
            extra = {f"tesote_{name}": value for name, value in event.items()}
            more = {
                name: value
                for name, value in event.items()
                if name not in _IN_FRONT and value is not None
            }
            self._std_logger().log(
                level, "%s %s %s %s", phase, request.method, event["url"], more, extra=extra
            )
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


_IN_FRONT = frozenset({"phase", "method", "url", "path_template"})
"""What a line of the log begins with, or has in another form."""


def show_log(level: Optional[str]) -> None:
    """Show the log on stderr, if that is asked for; the root logger is left alone.

    Args:
        level: `debug` or `info`, from the environment; None or nothing leaves the log as it is.

    Raises:
        ConfigError: It is something else.
    """
    if not level:
        return
    if level.lower() not in ("debug", "info"):
        raise ConfigError(
            f"TESOTE_SDK_LOG in the environment must be debug or info, not {level[:40]!r}; unset "
            "it for no log on stderr"
        )
    with loading():  # few programs are watched so
        import logging

        logger = logging.getLogger("tesote_sdk")
        if all(handler.name != "TESOTE_SDK_LOG" for handler in logger.handlers):
            handler = logging.StreamHandler()
            handler.name = "TESOTE_SDK_LOG"
            handler.setFormatter(
                logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
            )
            logger.addHandler(handler)
            logger.setLevel(level.upper())


def _shown(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in headers.items() if name in _SHOWN or name.lower() in _SHOWN
    }
