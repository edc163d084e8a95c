"""Webhook deliveries, signed as the API signs them."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import uuid
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from .moments import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

WebhookFamily = Literal["openapi", "connector"]

_TIMEOUT_SECONDS = 10.0
_NAMES: dict[WebhookFamily, tuple[str, str, str, str]] = {
    "openapi": (
        "X-Tesote-Webhook-Signature",
        "X-Tesote-Webhook-Timestamp",
        "X-Tesote-Webhook-Id",
        "X-Tesote-Webhook-Event",
    ),
    "connector": (
        "X-Tesote-Signature",
        "X-Tesote-Timestamp",
        "X-Tesote-Webhook-Id",
        "X-Tesote-Event-Type",
    ),
}


def sign_webhook(payload: bytes, secret: str, timestamp: int) -> str:
    """The signature of a webhook delivery.

    Args:
        payload: The body exactly as it is sent.
        secret: The HMAC secret of the webhook subscription.
        timestamp: Epoch seconds, as in the delivery's timestamp header.

    Returns:
        HMAC-SHA256 over `<timestamp>.<payload>`, in lower-case hexadecimal.
    """
    message = b"%d.%s" % (timestamp, payload)
    return hmac.new(secret.encode("utf-8"), message, hashlib.sha256).hexdigest()


def deliver(
    url: str,
    event: str,
    data: Mapping[str, Any],
    *,
    secret: str,
    family: WebhookFamily,
    now: float,
) -> int:
    """Posts a signed delivery and returns the status of the answer."""
    delivery_id = str(uuid.uuid4())
    body = {"id": delivery_id, "event": event, "created_at": moment(now), "data": data}
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    timestamp = int(now)
    values = (sign_webhook(payload, secret, timestamp), str(timestamp), delivery_id, event)
    headers = {"Content-Type": "application/json", **dict(zip(_NAMES[family], values))}
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http or https URL: {url!r}")
    connection_class = (
        http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    )
    connection = connection_class(parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, payload, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
