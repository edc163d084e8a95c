"""Telling developers, once an endpoint, that the server means to retire it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from types import FrameType

from .._forks import loading
from .charsets import shown_field
from .log_events import EventLog
from .messages import Request
from .path_templates import path_template

_MOST = 200
"""Characters of a field that a notice shows."""


class DeprecationNotices:
    """Turns the server's `Deprecation` and `Sunset` fields into warnings.

    A field is a date (RFC 9745; RFC 8594), which is passed on as it was sent.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._told: set[str] = set()

    def read(self, request: Request, headers: Mapping[str, str]) -> None:
        """Warn of a deprecated endpoint, the first time that one of its responses says so."""
        deprecated = headers.get("deprecation")
        sunset = headers.get("sunset")
        if deprecated is None and sunset is None:
            return
        endpoint = f"{request.method} {path_template(request.path)}"
        if endpoint in self._told:
            return
        self._told.add(endpoint)
        redact = request.api_key.redact
        end = f" and will be gone after {shown_field(redact(sunset), _MOST)}" if sunset else ""
        link = headers.get("link")
        more = f"; see {shown_field(redact(link), _MOST)}" if link else ""
        notice = f"the API's endpoint {redact(endpoint)} is deprecated{end}{more}"
        try:
            # warnings would import them in mid-call, while others fork: the second since 3.15,
            # where the first no longer does.
            with loading():
                import linecache  # noqa: F401
                import tokenize  # noqa: F401
            warnings.warn(notice, DeprecationWarning, stacklevel=_frames_of_the_sdk() + 1)
        except Exception:  # noqa: BLE001 - what a filter or a hook makes of a warning is anything
            # An answer has come: where warnings are errors, it must not look like a failure.
            self._log.warn("%s", notice)


def _frames_of_the_sdk() -> int:
    """Count the frames between this function's caller and the code that called the SDK."""
    package = __name__.partition(".")[0]
    frame = sys._getframe(1)
    depth = 1
    while frame.f_back is not None and _package_of(frame) == package:
        frame = frame.f_back
        depth += 1
    return depth - 1


def _package_of(frame: FrameType) -> str:
    # A program that runs as __main__ has no __package__, and what exec() runs may have no name.
    name = frame.f_globals.get("__name__")
    return name.partition(".")[0] if isinstance(name, str) else ""
