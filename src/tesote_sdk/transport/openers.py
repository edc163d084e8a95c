"""Sending through an opener of the user's own, with the contract of `urllib.request.urlopen`."""

from __future__ import annotations

import builtins
import http.client
import io
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, Callable
from urllib.parse import urlsplit

from ..errors import ApiError, InvalidResponseError, NetworkError, TesoteError, TlsError
from ..errors import TimeoutError as TesoteTimeoutError
from .content_coding import MAX_CONTENT, decompress, readable_refusal
from .messages import Headers, Reply, Request
from .sockets import is_lost
from .timeouts import Deadline

_PIECE = 65536

_STEP = 0.02
"""Seconds by which a wait may end early: where the clock goes in steps, they are 15.6 ms."""

_NOTHING_SENT = (ConnectionRefusedError, socket.gaierror)
"""What only a connect can fail with; urllib tells no more of how far a request had come."""

_MISTAKES: tuple[type[Exception], ...] = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError),
    *(NameError, RuntimeError, TypeError),
)
"""What a program raises that is wrong, and which no second attempt mends."""


def send_through(
    opener: Callable[..., Any], request: Request, deadline: Deadline, read_timeout: float
) -> Reply:
    """Make one request with an opener and read its response whole.

    Args:
        opener: Called with a `urllib.request.Request` and `timeout=`, in seconds.
        request: What to send. Its headers are marked as not to be redirected, for openers of
            urllib follow redirects and would take the API key along.
        deadline: Bounds the opener's timeout, which it can apply to each wait only, and what is
            read of the response.
        read_timeout: Seconds of silence; the opener's timeout where the deadline leaves so much.

    Raises:
        ApiError: The opener followed a redirect.
        TransportError: There is no usable reply.
    """
    timeout = min(read_timeout, max(0.001, deadline.remaining()))
    try:
        prepared = _prepared(request)
        try:
            response = opener(prepared, timeout=timeout)
        except urllib.error.HTTPError as error:
            response = error
            if error.fp is None:  # which leaves it without a read() before Python 3.13
                response = urllib.error.HTTPError(
                    error.filename, error.code, error.msg, error.hdrs, io.BytesIO()
                )
        try:
            _refuse_redirected(response, prepared, request)
            return _reply(response, request, deadline)
        finally:
            # Only status, headers and read() are asked of an opener's response.
            getattr(response, "close", _nothing_to_close)()
    except TesoteError:
        raise
    except Exception as error:
        # httpx's, urllib3's and whatever else the opener is made of, too.
        failure = _failure(error, deadline)
        # The opener has the key, and its error may quote the header that it could not send.
        failure.message = request.api_key.redact(failure.message)
        raise failure from error


def _prepared(request: Request) -> urllib.request.Request:
    base = request.base
    prepared = urllib.request.Request(
        f"{base.origin.scheme}://{base.host_header}{request.target}",
        request.body,
        method=request.method,
    )
    for name, value in request.headers.items():
        prepared.add_unredirected_header(name, value)
    prepared.add_unredirected_header("Authorization", request.api_key.bearer())
    return prepared


def _refuse_redirected(response: Any, prepared: urllib.request.Request, request: Request) -> None:
    """Refuse the answer of another place than the one that was asked: it is nobody's answer.

    urllib's own opener follows a redirected POST with a GET (RFC 9110, section 15.4), also to the
    same place; it notes in the request which redirects it has followed.
    """
    place = getattr(response, "url", None) or getattr(response, "geturl", _nothing_to_close)()
    if not getattr(prepared, "redirect_dict", None) and (
        not isinstance(place, str) or _normal(place) == _normal(prepared.full_url)
    ):
        return
    raise ApiError(
        request.api_key.redact(
            f"the opener followed a redirect to {place}, and redirects are not followed: check "
            "that base_url is the API's, and pass an opener that returns the 3xx itself"
        ),
        outcome_unknown=request.changes_state,
    )


def _normal(url: str) -> tuple[object, ...]:
    """Return what two spellings of one URL have in common (RFC 3986, section 6.2)."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return (url,)
    return parts.scheme, parts.hostname, port, parts.path or "/", parts.query


def _reply(response: Any, request: Request, deadline: Deadline) -> Reply:
    fields = _joined(response.headers)
    reason = str(getattr(response, "reason", "") or "")
    coding = fields.get("content-encoding", "")
    content = bytearray()
    try:
        for piece in _pieces(response, request, fields):
            content += piece
            if len(content) > MAX_CONTENT:
                raise ValueError(f"it is larger than the {MAX_CONTENT} bytes that the SDK reads")
            if deadline.remaining() <= 0:
                raise socket.timeout("the deadline has passed")
        if response.status < 300:
            whole = decompress(bytes(content), coding, deadline)
            return Reply(response.status, reason, Headers(fields), whole)
    except (OSError, ValueError, http.client.HTTPException):
        if response.status < 300:
            raise
        # What the server refused is known, whatever became of its explanation.
    readable = readable_refusal(bytes(content), coding, deadline)
    return Reply(response.status, reason, Headers(fields), readable)


def _pieces(response: Any, request: Request, fields: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the body piece by piece, as it comes; one that is cut short ends in IncompleteRead."""
    promised = fields.get("content-length", "")
    counted = request.method != "HEAD" and response.status not in (204, 304)
    left = int(promised) if counted and promised.isdecimal() and len(promised) < 19 else None
    # Of the two, read1 does not wait for a piece to be full.
    read = getattr(response, "read1", response.read)
    try:
        piece = read(_PIECE)
    except TypeError:  # an opener's read() may take no size: then all comes at once
        piece = response.read()
        read = _end
    while piece:
        yield piece
        if left is not None:
            left -= len(piece)
            if left <= 0:
                return
        piece = read(_PIECE)
    if left:
        # Some openers take the connection's end for the body's.
        raise http.client.IncompleteRead(b"", left)


def _end(_: int) -> bytes:
    return b""


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    """Return header fields by their name in lower case, a repeated one's values joined."""
    fields: dict[str, str] = {}
    for name, value in headers.items():
        folded = name.lower()
        fields[folded] = f"{fields[folded]}, {value}" if folded in fields else value
    return fields


def _nothing_to_close() -> None:
    pass


def _failure(error: Exception, deadline: Deadline) -> TesoteError:
    """Return the typed error for what an opener failed with, within the call's deadline."""
    reason = getattr(error, "reason", error) if isinstance(error, urllib.error.URLError) else error
    failure: TesoteError
    if isinstance(reason, ssl.SSLError) and not is_lost(reason):
        return TlsError(f"TLS failed: {reason}")
    if _is_timeout(reason):
        # An opener may have a shorter timeout of its own: the call's has passed only if it has.
        if deadline.remaining() <= _STEP:
            failure = deadline.timed_out("waiting for the opener")
        else:
            message = "the read timeout passed while waiting for the opener"
            failure = TesoteTimeoutError(message, phase="read")
    elif isinstance(reason, (OSError, str, http.client.IncompleteRead)):
        failure = NetworkError(f"the opener failed: {reason}")
    elif isinstance(reason, (ValueError, http.client.HTTPException)):
        failure = InvalidResponseError(f"the opener's answer is not valid: {reason}")
    elif isinstance(reason, _MISTAKES):
        failure = InvalidResponseError(f"the opener failed with {type(reason).__name__}: {reason}")
    else:
        failure = NetworkError(f"the opener failed with {type(reason).__name__}: {reason}")
    failure.outcome_unknown = not isinstance(reason, _NOTHING_SENT)
    return failure


def _is_timeout(reason: object) -> bool:
    # Two classes before Python 3.10.
    if isinstance(reason, (socket.timeout, builtins.TimeoutError)):
        return isinstance(reason, OSError) and reason.errno is None
    # Other libraries' cannot be imported here, and are all called so.
    return any("Timeout" in kind.__name__ for kind in type(reason).__mro__)
