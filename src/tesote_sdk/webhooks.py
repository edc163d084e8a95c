"""Verification of the webhooks that Tesote delivers, for the server that receives them.

A delivery is a POST whose headers carry a signature of the body: the lower-case hex of
HMAC-SHA256, keyed with the "HMAC Secret" that the dashboard shows, over the timestamp header, a
full stop and the body's bytes. Source: https://equipo.tesote.com/api/docs?version=v2, "Webhooks".
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Union

from tesote_sdk.errors import InvalidArgumentError, WebhookSignatureError

if TYPE_CHECKING:
    import hmac
    from collections.abc import Callable

__all__ = ["WebhookEvent", "verify"]

# Each header goes by the name that is documented, or by another that has been seen in use.
_SIGNATURE = ("x-tesote-webhook-signature", "x-tesote-signature")
_TIMESTAMP = ("x-tesote-webhook-timestamp", "x-tesote-timestamp")
_DELIVERY_ID = ("x-tesote-webhook-id",)
_EVENT = ("x-tesote-webhook-event", "x-tesote-event-type", "x-tesote-event")


class _HasItems(Protocol):
    """A dict, a WSGI environ, an `email.message.Message`, a framework's headers object."""

    def items(self) -> Iterable[tuple[object, object]]: ...


_Headers = Union[_HasItems, Iterable[tuple[object, object]]]


class WebhookEvent(NamedTuple):
    """A delivery whose signature was verified.

    Attributes:
        id: The delivery id. A delivery may arrive more than once: handle each id once.
        event: What happened, such as `sync.updates_available` or `accounts.created`.
        created_at: When, as an ISO 8601 timestamp; None where the delivery does not say.
        data: What it happened to; its keys differ with `event`.
        account_ids: UUIDs of the accounts concerned, in the order given and each once, wherever
            in `data` the server put them; maybe none.
        raw: The whole body, decoded.
    """

    id: str
    event: str
    created_at: str | None
    data: dict[str, Any]
    account_ids: tuple[str, ...]
    raw: dict[str, Any]

    def __repr__(self) -> str:
        # The body holds balances and names, which have no business in a log.
        return (
            f"WebhookEvent(id={self.id!r}, event={self.event!r}, created_at={self.created_at!r}, "
            f"account_ids={self.account_ids!r})"
        )


def verify(
    payload: bytes,
    headers: _Headers,
    secret: str | Sequence[str],
    *,
    tolerance: float | None = 300,
    clock: Callable[[], float] = time.time,
    body_only: bool = False,
) -> WebhookEvent:
    """Check that Tesote sent a webhook, unaltered and just now, and read it.

    The API sends a failed delivery again after 30 s, 2 min, 8 min, 30 min and 2 h, and does not
    document whether it then carries a new timestamp. Where late deliveries are refused as too
    old, raise `tolerance` and rely on the delivery id against replays.

    Args:
        payload: The request body, byte for byte as it arrived. Text, or JSON written anew, is not
            what was signed.
        headers: The request headers: a mapping or a sequence of (name, value) pairs, of str or
            bytes, a WSGI environ (`HTTP_X_TESOTE_...`) or any object with `items()`. Upper and
            lower case are the same.
        secret: The subscription's HMAC secret, or several of which any may have signed, as while
            one replaces another.
        tolerance: How many seconds the timestamp may lie in the past or in the future; None for
            any number.
        clock: Returns the current time in seconds since the epoch.
        body_only: Take a signature over the body alone, and no other. Nothing then vouches for
            the timestamp, which is ignored along with `tolerance`: a copy of the delivery is
            good for ever.

    Returns:
        The delivery.

    Raises:
        WebhookSignatureError: The delivery is not to be trusted, or is no delivery. The message
            says which check failed, and holds neither the secret nor the expected signature.
        InvalidArgumentError: An argument is unusable, such as an empty secret.
    """
    macs = _keyed_macs(secret)
    # A crash reporter records the local variables of every frame that an error passes through.
    del secret
    if not macs:
        raise InvalidArgumentError("secret must be a string that is not empty, or several of them")
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
        _check_age(clock() - int(timestamp), tolerance)
    return _read_event(payload, found)


def _keyed_macs(secret: object) -> list[hmac.HMAC]:
    """One unused HMAC a secret: it signs, and shows the secret to nobody. Never raises.

    None at all when any of the secrets is unusable: a signature made with an empty one is a
    signature that anybody can make.
    """
    import hmac

    secrets = [secret] if isinstance(secret, str) else secret
    if not isinstance(secrets, Sequence):
        return []
    macs = []
    for each in secrets:
        if not isinstance(each, str) or not each.strip():
            return []
        # surrogatepass: an encoding error would carry the secret
        macs.append(hmac.new(each.encode("utf-8", "surrogatepass"), digestmod="sha256"))
    return macs


def _tesote_headers(headers: _Headers) -> dict[str, str]:
    """The `X-Tesote-...` headers that are not empty, by lower-case name."""
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
        if not name.startswith("x-tesote-") or not text:
            continue
        if name in found:
            raise WebhookSignatureError(f"duplicate header: {name} was sent twice")
        found[name] = text
    return found


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _parse_signature(text: str) -> tuple[str | None, str]:
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


def _signed_timestamp(found: dict[str, str], signatures: list[tuple[str | None, str]]) -> str:
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
        raise WebhookSignatureError(f"contradicting headers: more than one {what}")
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


def _read_event(payload: bytes, found: dict[str, str]) -> WebhookEvent:
    try:
        body = json.loads(payload, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise WebhookSignatureError("not a JSON object: the body is not JSON") from error
    if not isinstance(body, dict):
        raise WebhookSignatureError("not a JSON object: the body is other JSON")
    event = _label(body.get("event"), found, "event name", _EVENT)
    created_at = body.get("created_at")
    data = body.get("data")
    if not isinstance(data, dict):
        data = {}
    return WebhookEvent(
        id=_label(body.get("id"), found, "delivery id", _DELIVERY_ID),
        event=event,
        created_at=created_at if isinstance(created_at, str) else None,
        data=data,
        account_ids=_account_ids(event, data),
        raw=body,
    )


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _label(value: object, found: dict[str, str], what: str, names: tuple[str, ...]) -> str:
    """What the body says, and failing that the headers, which nothing vouches for."""
    if isinstance(value, str) and value:
        return value
    return _agreed([found[name] for name in names if name in found], what, names)


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
