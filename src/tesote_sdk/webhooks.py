"""Verification of the webhooks that Tesote delivers, for the server that receives them.

A delivery is a POST whose headers carry a signature of the body: the lower-case hex of
HMAC-SHA256, keyed with the "HMAC Secret" that the dashboard shows, over the timestamp header, a
full stop and the body's bytes. Source: https://equipo.tesote.com/api/docs?version=v2, "Webhooks".

The headers that repeat the delivery id and the event are not signed. Whoever has seen one delivery
can send it again under another id or event, so nothing is read from them.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Optional, Protocol, Union

from tesote_sdk.errors import InvalidArgumentError, WebhookSignatureError

from ._error_base import operation
from ._hints import hmac

__all__ = ["WebhookEvent", "verify"]

# Each header goes by the name that is documented, or by another that has been seen in use.
_SIGNATURE = ("x-tesote-webhook-signature", "x-tesote-signature")
_TIMESTAMP = ("x-tesote-webhook-timestamp", "x-tesote-timestamp")

_NO_SECRET = "secret must be a string that is not empty, or several of them"


class _HasItems(Protocol):
    """A dict, a WSGI environ, an `email.message.Message`, a framework's headers object."""

    def items(self) -> Iterable[tuple[object, object]]:
        """Return the header fields."""


_Headers = Union[_HasItems, Iterable[tuple[object, object]]]


class WebhookEvent(NamedTuple):
    """A delivery whose signature was verified.

    Attributes:
        id: The delivery id. A delivery may arrive more than once: handle each id once. If the
            body holds no id, its signature stands in: the same bytes signed at the same second are
            the same delivery. A later repeat then has another signature, and so another id.
        event: What happened, such as `sync.updates_available` or `accounts.created`; None if the
            body does not say.
        created_at: When, as an ISO 8601 timestamp; None if the body does not say.
        data: What it happened to; its keys differ with `event`.
        account_ids: UUIDs of the accounts concerned, in order and each once, wherever in `data`
            the server put them; may be empty.
        raw: The whole body, decoded.
    """

    id: str
    event: Optional[str]
    created_at: Optional[str]
    data: dict[str, Any]
    account_ids: tuple[str, ...]
    raw: dict[str, Any]

    def __repr__(self) -> str:
        # The body holds balances and names, which have no business in a log.
        return (
            f"WebhookEvent(id={self.id!r}, event={self.event!r}, created_at={self.created_at!r}, "
            f"account_ids={self.account_ids!r})"
        )


@operation
def verify(
    payload: bytes,
    headers: _Headers,
    secret: Union[str, Sequence[str]],
    *,
    tolerance: Optional[float] = 300,
    clock: Optional[Callable[[], float]] = None,
    body_only: bool = False,
) -> WebhookEvent:
    """Check that a webhook is from Tesote, unaltered and recent, and read it.

    The API repeats a failed delivery after 30 s, 2 min, 8 min, 30 min and 2 h. It is not
    documented whether a repeat has a new timestamp. If late deliveries are refused as too old,
    raise `tolerance` and rely on the delivery id against replays.

    Args:
        payload: The request body, byte for byte as it arrived. Decoded text and JSON written again
            do not match the signature.
        headers: The request headers: a mapping or a sequence of (name, value) pairs, of str or
            bytes, a WSGI environ (`HTTP_X_TESOTE_...`) or any object with `items()`. Case does not
            matter.
        secret: The subscription's HMAC secret, or several while one replaces another: any of them
            may have signed. Strip the line break if you read it from a file.
        tolerance: How many seconds the timestamp may be in the past or future; None allows any.
        clock: Returns the current time in seconds since the epoch. None asks `time.time`.
        body_only: Take a signature over the body alone, and no other. Nothing then vouches for
            the timestamp, which is ignored along with `tolerance`: a copy of the delivery is
            good forever.

    Returns:
        The delivery.

    Raises:
        WebhookSignatureError: The delivery cannot be trusted, or is not one. The message says which
            check failed, and contains neither the secret nor the expected signature.
        InvalidArgumentError: An argument cannot be used, such as a secret that is empty or ends in
            a line break.
    """
    macs, problem = _keyed_macs(secret)
    if problem:
        raise InvalidArgumentError(problem)
    if not isinstance(payload, bytes):
        raise InvalidArgumentError(
            f"payload must be the raw bytes of the request body, not {type(payload).__name__}: "
            "decoded text is not what was signed"
        )
    if tolerance is not None and not (type(tolerance) in (int, float) and 0 < tolerance < math.inf):
        raise InvalidArgumentError("tolerance must be a positive number of seconds, or None")

    found = _tesote_headers(headers)
    signatures = [_parse_signature(found[name]) for name in _SIGNATURE if name in found]
    signature = _agreed([digest for _, digest in signatures], "signature", _SIGNATURE)
    timestamp = None if body_only else _signed_timestamp(found, signatures)
    message = payload if timestamp is None else timestamp.encode("ascii") + b"." + payload
    if not _is_signed(message, signature, macs):
        raise WebhookSignatureError(
            "signature mismatch: the body was altered, or signed with another secret"
        )
    if timestamp is not None and tolerance is not None:
        # Looked up now, so that a clock that a test has replaced meanwhile is the one asked.
        now = time.time() if clock is None else clock()
        _check_age(now - int(timestamp), tolerance)
    return _read_event(payload, signature)


def _keyed_macs(secret: object) -> tuple[list[hmac.HMAC], str]:
    """One unused HMAC a secret, which signs and shows the secret to nobody; or what is wrong.

    Raises nothing. One unusable secret makes all of them so: a signature made with an empty one is
    a signature that anybody can make.
    """
    import hmac

    secrets = [secret] if isinstance(secret, str) else secret
    if not isinstance(secrets, Sequence) or not secrets:
        return [], _NO_SECRET
    macs = []
    for each in secrets:
        problem = _problem_of(each)
        if problem:
            return [], problem
        # surrogatepass: an encoding error would carry the secret
        macs.append(hmac.new(each.encode("utf-8", "surrogatepass"), digestmod="sha256"))
    return macs, ""


def _problem_of(secret: object) -> str:
    """What is wrong with a secret, without a character of it; "" if nothing is."""
    if not isinstance(secret, str) or not secret.strip():
        return _NO_SECRET
    for place, character in (("begins", secret[0]), ("ends", secret[-1])):
        if character.isspace() or character == "\ufeff":
            kind = {
                "\n": "a newline",
                "\r": "a carriage return",
                "\t": "a tab",
                "\ufeff": "a byte order mark",
            }.get(character, "white space")
            return f"secret {place} with {kind}: strip it where you read it"
    return ""


def _tesote_headers(headers: _Headers) -> dict[str, str]:
    """The headers that are read and not empty, by lower-case name."""
    try:
        pairs = [
            (_text(name).lower().replace("_", "-"), value)
            for name, value in (headers.items() if hasattr(headers, "items") else headers)
        ]
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError("headers must be a mapping or (name, value) pairs") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        name = name.removeprefix("http-")  # WSGI writes X-Tesote-Id as HTTP_X_TESOTE_ID
        text = "" if value is None else _text(value).strip()
        if name not in _SIGNATURE + _TIMESTAMP or not text:
            continue
        if name in found:
            raise WebhookSignatureError(f"duplicate header: {name} was sent twice")
        found[name] = text
    return found


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _parse_signature(text: str) -> tuple[Optional[str], str]:
    """The timestamp that a signature brings along, if any, and its 64 hexadecimal digits."""
    bare = re.fullmatch(r"(?:sha256=)?([0-9a-fA-F]{64})", text)
    if bare:
        return None, bare[1].lower()
    fields = [field.strip().partition("=") for field in text.split(",")]
    moments = [value for name, _, value in fields if name == "t"]
    digests = [value for name, _, value in fields if name == "v1"]
    if len(moments) == len(digests) == 1 and re.fullmatch(r"[0-9a-fA-F]{64}", digests[0]):
        return moments[0], digests[0].lower()
    raise WebhookSignatureError(
        "malformed signature: neither <hex>, nor sha256=<hex>, nor t=<seconds>,v1=<hex>"
    )


def _signed_timestamp(found: dict[str, str], signatures: list[tuple[Optional[str], str]]) -> str:
    """When the delivery says that it was signed, as the digits that were signed."""
    moments = [moment for moment, _ in signatures if moment is not None]
    moments += [found[name] for name in _TIMESTAMP if name in found]
    timestamp = _agreed(moments, "timestamp", _TIMESTAMP)
    # Digits alone, so that the first full stop of what is signed is the one that ends them.
    if not re.fullmatch(r"[0-9]{1,15}", timestamp):
        raise WebhookSignatureError("malformed timestamp: not a number of seconds")
    return timestamp


def _agreed(values: list[str], what: str, names: tuple[str, ...]) -> str:
    """The one value that a header has under all of its names."""
    if not values:
        raise WebhookSignatureError(f"missing header: no {what} ({' or '.join(names)})")
    if len(set(values)) > 1:
        raise WebhookSignatureError(f"conflicting headers: more than one {what}")
    return values[0]


def _is_signed(message: bytes, signature: str, macs: list[hmac.HMAC]) -> bool:
    """Whether any of the keys made the signature. Raises nothing that could show the right one."""
    import hmac

    for mac in macs:
        attempt = mac.copy()
        attempt.update(message)
        if hmac.compare_digest(attempt.hexdigest(), signature):
            return True
    return False


def _check_age(age: float, tolerance: float) -> None:
    if age > tolerance:
        raise WebhookSignatureError(
            f"timestamp outside the tolerance: {age:.0f} s old, {tolerance:g} s are allowed"
        )
    if -age > tolerance:
        raise WebhookSignatureError(
            f"timestamp outside the tolerance: {-age:.0f} s in the future, "
            f"{tolerance:g} s are allowed"
        )


def _read_event(payload: bytes, signature: str) -> WebhookEvent:
    try:
        body = json.loads(payload, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise WebhookSignatureError("not a JSON object: the body is not JSON") from error
    if not isinstance(body, dict):
        raise WebhookSignatureError("not a JSON object: the body is JSON of another kind")
    event = _text_or_none(body.get("event"))
    data = body.get("data")
    if not isinstance(data, dict):
        data = {}
    return WebhookEvent(
        id=_text_or_none(body.get("id")) or signature,
        event=event,
        created_at=_text_or_none(body.get("created_at")),
        data=data,
        account_ids=_account_ids(event or "", data),
        raw=body,
    )


def _text_or_none(value: object) -> Optional[str]:
    return value if isinstance(value, str) and value else None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _account_ids(event: str, data: dict[str, Any]) -> tuple[str, ...]:
    candidates: list[object] = []
    for key in ("accounts_with_updates", "account_ids"):
        several = data.get(key)
        candidates += several if isinstance(several, list) else []
    # In `transactions.created` and the like, `id` is that of a transaction.
    if event.partition(".")[0] in ("accounts", "account", "sync"):
        candidates.append(data.get("id"))
    candidates.append(data.get("account_id"))
    return tuple(dict.fromkeys(each for each in candidates if isinstance(each, str) and each))
