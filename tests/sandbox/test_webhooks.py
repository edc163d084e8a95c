"""Webhook deliveries, as a receiver sees them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tesote_sdk.sandbox import Sandbox, sign_webhook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from tesote_sdk.sandbox._wire.webhooks import WebhookFamily


class Receiver(HTTPServer):
    """Keeps what is posted to it and answers with the status in its path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, Message, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers, body))
        self.send_response(int(self.path[1:4]))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("family", "names"),
    [
        (
            "openapi",
            (
                "X-Tesote-Webhook-Signature X-Tesote-Webhook-Timestamp X-Tesote-Webhook-Id"
                " X-Tesote-Webhook-Event"
            ),
        ),
        (
            "connector",
            "X-Tesote-Signature X-Tesote-Timestamp X-Tesote-Webhook-Id X-Tesote-Event-Type",
        ),
    ],
)
def test_a_delivery_is_signed_over_its_timestamp_and_exact_bytes(
    receiver: Receiver, family: WebhookFamily, names: str
) -> None:
    data = {"account_ids": ["a"], "note": "Panadería"}
    with Sandbox(accounts=1, clock=lambda: 1_772_467_200.9) as sandbox:
        status = sandbox.deliver_webhook(
            f"{receiver.url}/202/hook?x=1",
            "sync.updates_available",
            data,
            secret="s3cret",
            family=family,
        )
    assert status == 202
    ((path, headers, body),) = receiver.received
    signature, timestamp, delivery_id, event = (headers[name] for name in names.split())
    signed = timestamp.encode() + b"." + body
    assert signature == hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert (path, timestamp, event) == ("/202/hook?x=1", "1772467200", "sync.updates_available")
    assert json.loads(body) == {
        "id": delivery_id,
        "event": event,
        "created_at": "2026-03-02T16:00:00Z",
        "data": data,
    }


def test_the_receivers_status_comes_back(receiver: Receiver, sandbox: Sandbox) -> None:
    assert sandbox.deliver_webhook(f"{receiver.url}/500", "x", {}, secret="s") == 500


def test_a_receiver_that_is_not_there_is_an_os_error(sandbox: Sandbox) -> None:
    with Receiver() as gone:
        url = gone.url
    with pytest.raises(OSError, match="refused"):
        sandbox.deliver_webhook(url, "x", {}, secret="s")
    for bad in ("ftp://127.0.0.1/", "nonsense", "http://"):
        with pytest.raises(ValueError, match="http"):
            sandbox.deliver_webhook(bad, "x", {}, secret="s")


def test_a_signature_is_hmac_sha256_in_hexadecimal() -> None:
    # Computed with: printf '1772467200.{"a":1}' | openssl dgst -sha256 -hmac s3cret
    assert sign_webhook(b'{"a":1}', "s3cret", 1_772_467_200) == VECTOR


VECTOR = "0d9f8561e40ded83b0be12423d2b6c98f49b4d844eacc25c22256c9ecead0dc2"
