"""Sending through an opener of the user's own, with the contract of `urllib.request.urlopen`."""

from __future__ import annotations

import builtins
import http.client
import io
import socket
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from ..errors import InvalidResponseError, NetworkError, TlsError
from .content_coding import MAX_CONTENT, decompress
from .http1 import Reply, is_lost
from .messages import Headers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Callable

    from ..errors import TransportError
    from .messages import Request
    from .origin import BaseUrl
    from .timeouts import Deadline, Timeouts

_NOTHING_SENT = (ConnectionRefusedError, socket.gaierror)
"""What only a connect can fail with; urllib tells no more of how far a request had come."""


def send_through(
    opener: Callable[..., Any],
    base: BaseUrl,
    request: Request,
    deadline: Deadline,
    timeouts: Timeouts,
) -> Reply:
    """Make one request with an opener and read its response whole.

    Args:
        opener: Called with a `urllib.request.Request` and `timeout=`, in seconds.
        base: Where the request goes.
        request: What to send. Its headers are marked as not to be redirected, for openers of
            urllib follow redirects and would take the API key along.
        deadline: Bounds the opener's timeout, which it can apply to each wait only.
        timeouts: For `read_timeout`.

    Raises:
        TransportError: There is no usable reply.
    """
    prepared = urllib.request.Request(
        f"{base.origin.scheme}://{base.host_header}{request.target}",
        request.body,
        method=request.method,
    )
    for name, value in request.headers.items():
        prepared.add_unredirected_header(name, value)
    try:
        try:
            response = opener(
                prepared, timeout=min(timeouts.read, max(0.001, deadline.remaining()))
            )
        except urllib.error.HTTPError as error:
            response = error
            if error.fp is None:  # which leaves it without a read() before Python 3.13
                response = urllib.error.HTTPError(
                    request.target, error.code, error.msg, error.hdrs, io.BytesIO()
                )
        try:
            fields = _joined(response.headers)
            content = _content(response, request, fields)
        finally:
            # Only status, headers and read() are asked of an opener's response.
            getattr(response, "close", _nothing_to_close)()
    except (OSError, ValueError, http.client.HTTPException) as error:
        # Frames of urllib hold the request's headers, and what it chains has frames too.
        error.__context__ = None
        raise _failure(error, deadline) from error.with_traceback(None)
    reason = getattr(response, "reason", "") or ""
    return Reply(response.status, str(reason), Headers(fields), content)


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    """Return header fields by their name in lower case, a repeated one's values joined."""
    fields: dict[str, str] = {}
    for name, value in headers.items():
        folded = name.lower()
        fields[folded] = f"{fields[folded]}, {value}" if folded in fields else value
    return fields


def _content(response: Any, request: Request, fields: dict[str, str]) -> bytes:
    try:
        content: bytes = response.read()
        if len(content) > MAX_CONTENT:
            raise ValueError(f"more than {MAX_CONTENT} bytes are more than the SDK reads")
        promised = fields.get("content-length", "")
        counted = request.method != "HEAD" and response.status not in (204, 304)
        if counted and promised.isdecimal() and len(content) < int(promised):
            # Some openers take the connection's end for the body's.
            raise http.client.IncompleteRead(b"", int(promised) - len(content))
        return decompress(content, fields.get("content-encoding", ""))
    except (OSError, ValueError, http.client.HTTPException):
        if response.status >= 300:
            # What the server refused is known, whatever became of its explanation.
            return b""
        raise


def _nothing_to_close() -> None:
    pass


def _failure(error: Exception, deadline: Deadline) -> TransportError:
    reason = getattr(error, "reason", error) if isinstance(error, urllib.error.URLError) else error
    failure: TransportError
    if isinstance(reason, ssl.SSLError) and not is_lost(reason):
        return TlsError(f"TLS failed: {reason}")
    # Two classes before Python 3.10.
    if isinstance(reason, (socket.timeout, builtins.TimeoutError)) and reason.errno is None:
        failure = deadline.timed_out("waiting for the opener", "read")
    elif isinstance(reason, (OSError, str, http.client.IncompleteRead)):
        failure = NetworkError(f"the opener failed: {reason}")
    else:
        failure = InvalidResponseError(f"the opener's answer is not valid: {reason}")
    failure.outcome_unknown = not isinstance(reason, _NOTHING_SENT)
    return failure
