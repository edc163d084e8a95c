"""What a refusal says: the typed error for a response that is not 2xx.

The API sends more than one kind of error envelope, and proxies before it send none. Whatever
comes, the outcome is a typed error and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Callable, Optional

from .._error_base import json_ready
from .._forks import loading
from ..errors import ConfigError, EndpointRemovedError, TesoteError, classify_api_error, known_code
from .charsets import shown_field
from .instants import parse_http_date, parse_number, parse_reset, parse_retry_after
from .messages import Reply

_CODE = "[A-Z][A-Z0-9_]+"
_SLUG = "[a-z][a-z0-9_]+"

_LONGEST_WINDOW = 3600.0
"""Seconds of a quota's window that are believed; a longer one is a clock gone wrong."""

_MOST = 300
"""Characters of a header field that a message shows."""

_VERSION_TWICE = r"(/v[0-9]+)/v[0-9]+(/|$)"

_SUCCESSOR = r'<([^<>]*)>[^<>]*;\s*rel\s*=\s*"?successor-version\b'
"""RFC 8288, section 3; RFC 5829, section 3."""


def error_from_response(
    reply: Reply, *, now: Callable[[], float], redact: Callable[[Any], Any], path: str = ""
) -> TesoteError:
    """Return the typed error for a response that is not 2xx; whatever it holds, nothing is raised.

    Args:
        reply: The response.
        now: Returns the present in epoch seconds.
        redact: Returns a copy of a text or of decoded JSON without the API key, which a server
            may echo.
        path: The request's whole path, for advice on a base URL that holds too much.
    """
    body = reply.content.decode("utf-8", "replace")
    document = _decode(body)
    shown = redact(document)
    # What was sent decides the class; what is shown is read from the redacted copy.
    code = _code(document, reply.status) if isinstance(document, dict) else None
    kind = classify_api_error(code, reply.status)
    envelope = shown if isinstance(shown, dict) else None
    message = _message(reply, envelope)
    if kind is EndpointRemovedError:
        message = _naming_replacement(message, reply.headers.get("link", ""), envelope or {})
    doubled = re.search(_VERSION_TWICE, path) if reply.status == 404 else None
    if doubled:
        message += f"; base_url ends in {doubled[1]}, and the SDK adds the version: leave it out"
    return kind(
        redact(message),
        error_code=redact(code),
        http_status=reply.status,
        request_id=redact(reply.headers.get("x-request-id")),
        error_id=_text(envelope or {}, "error_id"),
        retry_after=_retry_after(reply.headers, document, now),
        # JSON may have held the key with its characters escaped, where no search finds it.
        response_body=redact(body) if shown == document else json.dumps(shown, ensure_ascii=False),
        envelope=envelope,
        outcome_unknown=reply.resent,
    )


def _decode(body: str) -> Any:
    """Decode JSON, or return None; what JSON has no number for is None too."""
    try:
        document = json.loads(body.lstrip("\ufeff"), parse_int=_int)
    except (ValueError, RecursionError):
        return None
    return json_ready(document)


def _int(digits: str) -> Optional[int]:
    # Python may refuse to read integers of more than 640 digits, and takes its time over them.
    return int(digits) if len(digits) <= 300 else None


def _text(envelope: Mapping[str, Any], name: str) -> Optional[str]:
    value = envelope.get(name)
    return value if isinstance(value, str) and value.strip() else None


def _code(envelope: Mapping[str, Any], status: int) -> Optional[str]:
    """Return the error code: `error_code`, or `error` where that holds a code and no sentence."""
    error = _text(envelope, "error") or ""
    sent = _text(envelope, "error_code")
    slug = error if re.fullmatch(_SLUG, error) else None
    code = sent or (error if re.fullmatch(_CODE, error) else None)
    known = known_code(code or slug, status)
    if known is None and status == 403:
        told = f"{error} {_text(envelope, 'message') or ''}"
        if "HISTORY_SYNC_FORBIDDEN" in told or "historical sync is disabled" in told.lower():
            return "HISTORY_SYNC_FORBIDDEN"
    return known or code


def _message(reply: Reply, envelope: Optional[Mapping[str, Any]]) -> str:
    location = reply.headers.get("location")
    reason = shown_field(reply.reason, _MOST) or _standard_reason(reply.status)
    if 300 <= reply.status < 400 and location:
        return (
            f"{reason}: the answer redirects to {shown_field(location, _MOST)}, and redirects are "
            "not followed; check that base_url is the API's"
        )
    if envelope is None:
        found = "not a JSON object" if reply.content.strip() else "empty"
        return f"{reason}: the answer is {found}; a proxy or gateway may have sent it, not the API"
    error = envelope.get("error")
    text = _text(envelope, "message") or _text(envelope, "error")
    if text is None and isinstance(error, (dict, list)) and error:
        text = json.dumps(error, ensure_ascii=False)
    return text or reason


def _standard_reason(status: int) -> str:
    try:
        with loading():  # few servers leave it out
            from http import HTTPStatus
        return HTTPStatus(status).phrase
    except (ConfigError, ValueError):
        return "the server refused"


def _naming_replacement(message: str, link: str, envelope: Mapping[str, Any]) -> str:
    successor = re.search(_SUCCESSOR, link, re.IGNORECASE)
    replacement = _text(envelope, "replacement") or (successor and successor[1])
    if not replacement or replacement in message:
        return message
    return f"{message}; it is replaced by {shown_field(replacement, _MOST)}"


def _retry_after(
    headers: Mapping[str, str], document: Any, now: Callable[[], float]
) -> Optional[float]:
    """Return the wait that is asked for, in seconds: the longer of the header's and the body's."""

    def present() -> float:
        """Return the present by the server's clock, from which this machine's may differ."""
        date = parse_http_date(headers.get("date"))
        return now() if date is None else date

    envelope = document if isinstance(document, dict) else {}
    header = headers.get("retry-after")
    asked = (
        # Seconds need no clock, and most servers send seconds.
        parse_retry_after(header, 0.0 if header is None or header.isdecimal() else present()),
        parse_number(envelope.get("retry_after")),
    )
    waits = [wait for wait in asked if wait is not None]
    if waits:
        return max(waits)
    quota = envelope.get("quota_info")
    if not isinstance(quota, dict):
        return None
    moment = present()
    resets_at = parse_reset(quota.get("reset_at"), moment)
    if resets_at is None or resets_at - moment > _LONGEST_WINDOW:
        return None
    return max(0.0, resets_at - moment)
