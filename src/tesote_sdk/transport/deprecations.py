"""Telling developers, once an endpoint, that the server means to retire it."""

from __future__ import annotations

import re
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .log_events import EventLog
    from .messages import Request

_NAME = r"[a-z_]+|v[0-9]+"
"""A segment of a path that names something, where any other is an id."""


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
        segments = [
            segment if not segment or re.fullmatch(_NAME, segment) else "{id}"
            for segment in request.path.split("/")
        ]
        endpoint = f"{request.method} {'/'.join(segments)}"
        if endpoint in self._told:
            return
        self._told.add(endpoint)
        end = f" and will be gone after {sunset}" if sunset else ""
        link = headers.get("link")
        more = f"; see {link}" if link else ""
        notice = request.api_key.redact(f"the API's endpoint {endpoint} is deprecated{end}{more}")
        try:
            warnings.warn(notice, DeprecationWarning, stacklevel=_frames_of_the_sdk() + 1)
        except DeprecationWarning:
            # Where warnings are errors, a payment that was made must not look like a failure.
            if not request.changes_state:
                raise
            self._log.warn("%s", notice)


def _frames_of_the_sdk() -> int:
    """Count the frames between this function's caller and the code that called the SDK."""
    package = __name__.partition(".")[0]
    frame = sys._getframe(1)
    depth = 1
    while frame.f_back is not None and frame.f_globals.get("__package__", "").startswith(package):
        frame = frame.f_back
        depth += 1
    return depth - 1
