"""Webhook verification: what is accepted, what is refused and why, and what an event says."""

from __future__ import annotations

import hashlib
import hmac
import json
import pickle
import subprocess
import sys
import time
from email.message import Message
from types import MappingProxyType
from typing import Any, Callable

import pytest

from tesote_sdk.errors import InvalidArgumentError, WebhookSignatureError
from tesote_sdk.webhooks import WebhookEvent, verify
from tests.support.exposure import shown_in_frames

SECRET = "whsec_planted_7Qm2"
OLD_SECRET = "whsec_planted_old_Zk9"
NOW = 1772467200
DELIVERY = {
    "id": "35c9e0d7-8a4b-4f16-92d3-b07e5c1f6a88",
    "event": "sync.updates_available",
    "created_at": "2026-03-02T16:00:00Z",
    "data": {"workspace_id": "w-1", "accounts_with_updates": ["a-1", "a-2"]},
}
BODY = json.dumps(DELIVERY).encode()


def sign(message: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signed(body: bytes = BODY, at: object = NOW, secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery under the documented names."""
    return {
        "X-Tesote-Webhook-Signature": sign(f"{at}.".encode() + body, secret),
        "X-Tesote-Webhook-Timestamp": str(at),
    }


def check(body: Any = BODY, headers: Any = None, secret: Any = SECRET, **options: Any) -> Any:
    options.setdefault("clock", lambda: float(NOW))
    return verify(body, signed() if headers is None else headers, secret, **options)


def deliver(**changes: object) -> WebhookEvent:
    """Verify the delivery with some of its members changed, or left out where `...`."""
    changed = {k: v for k, v in {**DELIVERY, **changes}.items() if v is not ...}
    body = json.dumps(changed).encode()
    event: WebhookEvent = check(body, signed(body))
    return event


# --- what is accepted -------------------------------------------------------------------------


def test_a_delivery_is_read() -> None:
    event = check()
    assert event.id == "35c9e0d7-8a4b-4f16-92d3-b07e5c1f6a88"
    assert event.event == "sync.updates_available"
    assert event.created_at == "2026-03-02T16:00:00Z"
    assert event.data == DELIVERY["data"]
    assert event.account_ids == ("a-1", "a-2")
    assert event.raw == DELIVERY


def test_a_fixed_delivery_keeps_its_signature() -> None:
    # printf '1772467200.{"id":"1","event":"e","data":{}}' | openssl dgst -sha256 -hmac whsec_fixed
    signature = "f33f03f5dd2b2c0f0eac66d4cb93536bac0844a1736bf9ec0dad42e311cf163e"
    headers = {
        "X-Tesote-Webhook-Signature": signature,
        "X-Tesote-Webhook-Timestamp": "1772467200",
    }
    assert check(b'{"id":"1","event":"e","data":{}}', headers, "whsec_fixed").id == "1"


SIGNATURE = sign(f"{NOW}.".encode() + BODY)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Tesote-Signature": SIGNATURE, "X-Tesote-Timestamp": str(NOW)},
        {"x-tesote-webhook-signature": SIGNATURE, "X-TESOTE-WEBHOOK-TIMESTAMP": str(NOW)},
        {"X-Tesote-Webhook-Signature": SIGNATURE, "X-Tesote-Timestamp": str(NOW)},
        {"X-Tesote-Signature": f"sha256={SIGNATURE}", "X-Tesote-Timestamp": f" {NOW} "},
        {"X-Tesote-Signature": SIGNATURE.upper(), "X-Tesote-Timestamp": str(NOW)},
        {"X-Tesote-Signature": f"t={NOW},v1={SIGNATURE}"},
        {"X-Tesote-Signature": f"v1={SIGNATURE.upper()}, v0=ff, t={NOW}"},
        {"X-Tesote-Signature": f"t={NOW},v1={SIGNATURE}", "X-Tesote-Timestamp": str(NOW)},
        {
            **signed(),
            "X-Tesote-Signature": f"sha256={SIGNATURE}",
            "X-Tesote-Timestamp": str(NOW),
        },
        {**signed(), "X-Tesote-Signature": "", "X-Tesote-Timestamp": None},
        [("X-Tesote-Signature", SIGNATURE), ("X-Tesote-Timestamp", str(NOW)), ("Host", "a")],
        [(b"x-tesote-signature", SIGNATURE.encode()), (b"x-tesote-timestamp", b"%d" % NOW)],
        iter([("X-Tesote-Signature", f"t={NOW},v1={SIGNATURE}")]),
        {
            "HTTP_X_TESOTE_SIGNATURE": SIGNATURE,
            "HTTP_X_TESOTE_TIMESTAMP": str(NOW),
            "REQUEST_METHOD": "POST",
            "wsgi.version": (1, 0),
        },
    ],
)
def test_every_form_of_the_headers_is_taken(headers: Any) -> None:
    assert check(headers=headers).raw == DELIVERY


def test_the_headers_of_servers_are_taken_with_their_types() -> None:
    message = Message()
    for name, value in signed().items():
        message[name] = value
    environ: dict[str, Any] = {"HTTP_X_TESOTE_SIGNATURE": f"t={NOW},v1={SIGNATURE}"}
    asgi = [(b"x-tesote-signature", f"t={NOW},v1={SIGNATURE}".encode())]
    assert verify(BODY, message, SECRET, tolerance=None).raw == DELIVERY
    assert verify(BODY, environ, [SECRET], tolerance=None).raw == DELIVERY
    assert verify(BODY, asgi, (SECRET,), tolerance=None).raw == DELIVERY
    assert verify(BODY, MappingProxyType(signed()), SECRET, tolerance=None).raw == DELIVERY


def test_any_of_several_secrets_may_have_signed() -> None:
    for secret in (SECRET, OLD_SECRET):
        assert check(headers=signed(secret=secret), secret=(OLD_SECRET, SECRET))
    with pytest.raises(WebhookSignatureError, match="signature mismatch"):
        check(headers=signed(secret="a third"), secret=[OLD_SECRET, SECRET])


def test_a_secret_is_used_as_utf_8() -> None:
    assert check(headers=signed(secret="clé"), secret="clé")
    # what os.environ makes of bytes that are no UTF-8 verifies nothing, and breaks nothing
    with pytest.raises(WebhookSignatureError, match="signature mismatch"):
        check(secret="cl\udce9")


@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_a_timestamp_within_the_tolerance_is_taken(skew: int) -> None:
    assert check(headers=signed(at=NOW + skew))


def test_the_tolerance_can_be_set_and_lifted() -> None:
    assert check(headers=signed(at=NOW - 7200), tolerance=7200.5)
    assert check(headers=signed(at=0), tolerance=None)
    assert check(headers=signed(at=10**15 - 1), tolerance=None)
    with pytest.raises(WebhookSignatureError, match="timestamp outside the tolerance"):
        check(headers=signed(at=NOW - 2), tolerance=1.5)


def test_the_clock_is_looked_up_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    # As freezegun does it, after this module was imported.
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    assert verify(BODY, signed(), SECRET).raw == DELIVERY
    with pytest.raises(WebhookSignatureError, match="301 s old"):
        verify(BODY, signed(at=NOW - 301), SECRET)


def test_the_clock_is_the_current_time_by_default() -> None:
    with pytest.raises(WebhookSignatureError, match="timestamp outside the tolerance"):
        verify(BODY, signed(at=1_000_000_000), SECRET)


# --- what is refused, and why -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, r"^missing header: no signature \(x-tesote-webhook-signature or x-tesote-signature\)"),
        ([], "^missing header: no signature"),
        ({"X-Tesote-Webhook-Signature": ""}, "^missing header: no signature"),
        ({"X-Tesote-Timestamp": str(NOW)}, "^missing header: no signature"),
        ({"X-Tesote-Signature": SIGNATURE}, "^missing header: no timestamp"),
        ({**signed(), "X-Tesote-Signature": "0" * 64}, "^conflicting headers: .* signature"),
        ({**signed(), "X-Tesote-Timestamp": str(NOW + 1)}, "^conflicting headers: .* timestamp"),
        (
            {"X-Tesote-Signature": f"t={NOW},v1={SIGNATURE}", "X-Tesote-Timestamp": str(NOW + 1)},
            "^conflicting headers: .* timestamp",
        ),
        ([*signed().items(), *signed().items()], "^duplicate header: x-tesote-webhook-signature"),
        ({**signed(), "x-tesote-webhook-timestamp": "1"}, "^duplicate header: .*-timestamp"),
        ({**signed(), "HTTP_X_TESOTE_WEBHOOK_TIMESTAMP": "1"}, "^duplicate header: .*-timestamp"),
        ({**signed(), "X-Tesote-Webhook-Signature": "0" * 64}, "^signature mismatch"),
        (signed(secret=OLD_SECRET), "^signature mismatch"),
        (signed(body=BODY + b" "), "^signature mismatch"),
        ({**signed(), "X-Tesote-Webhook-Timestamp": str(NOW + 1)}, "^signature mismatch"),
        ({"X-Tesote-Signature": sign(BODY), "X-Tesote-Timestamp": "1"}, "^signature mismatch"),
        (signed(at=NOW - 301), "^timestamp outside the tolerance: 301 s old, 300 s are allowed"),
        (signed(at=NOW + 301), "^timestamp outside the tolerance: 301 s in the future"),
    ],
)
def test_a_delivery_that_is_not_to_be_trusted_is_refused(headers: Any, why: str) -> None:
    with pytest.raises(WebhookSignatureError, match=why):
        check(headers=headers)


@pytest.mark.parametrize(
    "signature",
    [
        "abc",
        SIGNATURE[:-1],
        SIGNATURE + "0",
        f"{SIGNATURE}, {SIGNATURE}",
        f"sha1={SIGNATURE}",
        "é" * 64,
        "\uff10" * 64,
        "\udcff" * 64,
        "\x00" * 64,
        f"{SIGNATURE[:32]}\n{SIGNATURE[32:]}",
        b"\xff" * 64,
        ["a list"],
        f"v1={SIGNATURE}",
        f"t={NOW}",
        "t=,v1=",
        f"t={NOW},v1=zz",
        f"t={NOW},t={NOW},v1={SIGNATURE}",
        f"t={NOW},v1={SIGNATURE},v1={SIGNATURE}",
        "=,=",
        "9" * 100_000,
    ],
    ids=lambda value: repr(value)[:20],
)
def test_an_odd_signature_is_refused(signature: Any) -> None:
    with pytest.raises(WebhookSignatureError, match="malformed signature"):
        check(headers={**signed(), "X-Tesote-Webhook-Signature": signature})


def test_a_header_that_a_mail_parser_could_not_decode_is_refused() -> None:
    message = Message()
    message["X-Tesote-Signature"] = "\udcff\udcfe"
    with pytest.raises(WebhookSignatureError, match="malformed signature"):
        check(headers=message)


@pytest.mark.parametrize(
    "timestamp",
    [
        "soon",
        "-1",
        "+1",
        "1.5",
        "1e9",
        "١٧٧٢",
        "²",
        "1 2",
        "1_000",
        "9" * 16,
        "0x10",
        "é",
        "\udcff",
    ],
)
def test_a_timestamp_that_is_no_number_of_seconds_is_refused(timestamp: str) -> None:
    body = timestamp.encode("utf-8", "replace") + b"." + BODY
    headers = {"X-Tesote-Signature": sign(body), "X-Tesote-Timestamp": timestamp}
    with pytest.raises(WebhookSignatureError, match="malformed timestamp"):
        check(headers=headers)


def test_the_full_stop_cannot_move_between_timestamp_and_body() -> None:
    body = b"5." + BODY
    headers = {"X-Tesote-Signature": sign(b"177.5." + BODY), "X-Tesote-Timestamp": "177.5"}
    assert check(BODY, signed(), tolerance=None)
    with pytest.raises(WebhookSignatureError, match="malformed timestamp"):
        check(BODY, headers, tolerance=None)
    with pytest.raises(WebhookSignatureError, match="not a JSON object"):
        check(body, {**headers, "X-Tesote-Timestamp": "177"}, tolerance=None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b"<html>",
        b"\xff\xfe\xfd",
        b"[" * 200_000,
        b'{"id": "1", "event": "e", "data": {"amount": NaN}}',
        b'{"id": "1", "event": "e", "data": {"amount": -Infinity}}',
        b'{"id": "1", "event": "e", "data": {"amount": 1e999}}',
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_signed_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookSignatureError, match="not a JSON object"):
        check(body, signed(body))


@pytest.mark.parametrize("payload", [BODY.decode(), bytearray(BODY), DELIVERY, None])
def test_a_payload_other_than_raw_bytes_is_refused(payload: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"raw bytes of the request body, not \w+"):
        check(payload)


@pytest.mark.parametrize("secret", ["", " \n", None, [], (), [SECRET, ""], [None], b"bytes", 7])
def test_an_unusable_secret_is_refused(secret: object) -> None:
    body_signed_with_nothing = signed(secret="")
    with pytest.raises(InvalidArgumentError, match="secret must be"):
        check(headers=body_signed_with_nothing, secret=secret)


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        (f"{SECRET}\n", "secret ends with a newline: strip"),
        (f"{SECRET}\r", "secret ends with a carriage return"),
        (f"{SECRET}\t", "secret ends with a tab"),
        (f" {SECRET}", "secret begins with white space"),
        (f"{SECRET}\xa0", "secret ends with white space"),
        (f"\ufeff{SECRET}", "secret begins with a byte order mark"),
        ([OLD_SECRET, f"{SECRET}\r\n"], "secret ends with a newline"),
    ],
)
def test_a_secret_with_its_line_end_is_refused_by_name(secret: Any, why: str) -> None:
    with pytest.raises(InvalidArgumentError, match=why) as caught:
        check(headers=signed(secret=secret if isinstance(secret, str) else SECRET), secret=secret)
    assert "whsec" not in "".join(shown_in_frames(caught.value)) + str(caught.value)


def test_white_space_within_a_secret_is_part_of_it() -> None:
    assert check(headers=signed(secret="two words"), secret="two words")


@pytest.mark.parametrize("tolerance", [0, -1, float("nan"), float("inf"), True, "300"])
def test_an_unusable_tolerance_is_refused(tolerance: object) -> None:
    with pytest.raises(InvalidArgumentError, match="tolerance must be"):
        check(headers=signed(at=0), tolerance=tolerance)


@pytest.mark.parametrize("headers", [5, "X-Tesote-Signature", [("one",)], [1]])
def test_unusable_headers_are_refused(headers: object) -> None:
    with pytest.raises(InvalidArgumentError, match="headers must be"):
        check(headers=headers)


# --- a signature over the body alone ----------------------------------------------------------


def test_a_signature_over_the_body_alone_must_be_asked_for() -> None:
    headers = {"X-Tesote-Signature": sign(BODY)}
    assert check(headers=headers, body_only=True).raw == DELIVERY
    assert check(headers={**headers, "X-Tesote-Timestamp": "rubbish"}, body_only=True)
    with pytest.raises(WebhookSignatureError, match="missing header: no timestamp"):
        check(headers=headers)
    with pytest.raises(WebhookSignatureError, match="signature mismatch"):
        check(headers={**headers, "X-Tesote-Timestamp": str(NOW)})
    with pytest.raises(WebhookSignatureError, match="signature mismatch"):
        check(headers=signed(), body_only=True)


# --- the event --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "data", "account_ids"),
    [
        ("sync.updates_available", {"accounts_with_updates": ["a", "b", "a"]}, ("a", "b")),
        ("sync.updates_available", {"account_ids": ["a"], "id": "b"}, ("a", "b")),
        ("sync.updates_available", {"id": "a", "new_ids": ["t"], "removed_ids": []}, ("a",)),
        ("sync.updates_available", {"accounts_with_updates": ["a"], "account_id": "a"}, ("a",)),
        ("sync.updates_available", {"accounts_with_updates": None, "id": ""}, ()),
        ("sync.updates_available", {"account_ids": ["a", 1, None, ["b"], ""]}, ("a",)),
        ("accounts.created", {"account_id": "a", "workspace_id": "w"}, ("a",)),
        ("accounts.updated", {"id": "a", "balance": 1.5}, ("a",)),
        ("account.updated", {"id": "a"}, ("a",)),
        ("transactions.created", {"id": "t", "account_id": "a"}, ("a",)),
        ("transaction.created", {"id": "t"}, ()),
        ("an event added tomorrow", {"id": "x", "account_id": "a"}, ("a",)),
        ("accounts.created", {}, ()),
        ("accounts.created", [], ()),
        ("accounts.created", ..., ()),
    ],
)
def test_account_ids_are_found_wherever_they_are(
    event: str, data: object, account_ids: tuple[str, ...]
) -> None:
    delivery = deliver(event=event, data=data)
    assert delivery.account_ids == account_ids
    assert delivery.data == (data if isinstance(data, dict) else {})


@pytest.mark.parametrize(
    "body", [b'{"data": {}}', b'{"data": {}, "id": 7, "event": "", "created_at": 5}']
)
def test_what_is_not_signed_is_not_believed(body: bytes) -> None:
    forged = {**signed(body), "X-Tesote-Webhook-Id": "forged", "X-Tesote-Event-Type": "forged"}
    event = check(body, forged)
    assert (event.event, event.created_at) == (None, None)
    assert event.id == sign(f"{NOW}.".encode() + body)


def test_a_delivery_without_an_id_is_told_apart_by_its_signature() -> None:
    body = b'{"event": "accounts.updated", "data": {"id": "a-1"}}'
    first = check(body, signed(body))
    # The same delivery sent again by whoever saw it: other headers, another spelling.
    signature = signed(body)["X-Tesote-Webhook-Signature"]
    again = {"X-Tesote-Signature": f"t={NOW},v1={signature.upper()}", "X-Tesote-Webhook-Id": "2"}
    assert check(body, again).id == first.id
    assert check(body, signed(body, at=NOW + 1)).id != first.id
    assert first.account_ids == ("a-1",)


def test_what_is_signed_beats_the_headers() -> None:
    event = check(headers={**signed(), "X-Tesote-Webhook-Id": "forged", "X-Tesote-Event": "f"})
    assert (event.id, event.event) == (DELIVERY["id"], DELIVERY["event"])


def test_an_event_is_a_value() -> None:
    event = check()
    assert event == check()
    assert event != deliver(id="another")
    assert pickle.loads(pickle.dumps(event)) == event
    with pytest.raises(AttributeError):
        event.id = "another"


def test_a_printed_event_keeps_the_bank_data_to_itself() -> None:
    shown = repr(deliver(data={"account_id": "a-1", "balance": 918450.75}))
    assert shown == (
        "WebhookEvent(id='35c9e0d7-8a4b-4f16-92d3-b07e5c1f6a88', event='sync.updates_available', "
        "created_at='2026-03-02T16:00:00Z', account_ids=('a-1',))"
    )


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    compare = hmac.compare_digest

    def recording(left: str, right: str) -> bool:
        compared.append({left, right})
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", recording)
    assert check()
    assert compared == [{SIGNATURE}]


# --- the secret -------------------------------------------------------------------------------


FAILURES: dict[str, Callable[[], object]] = {
    "mismatch": lambda: check(headers=signed(secret="other"), secret=[SECRET, OLD_SECRET]),
    "missing": lambda: check(headers={}),
    "malformed signature": lambda: check(headers={"X-Tesote-Signature": "é"}),
    "malformed timestamp": lambda: check(
        headers={"X-Tesote-Signature": "0" * 64, "X-Tesote-Timestamp": "é"}
    ),
    "duplicate": lambda: check(headers=[*signed().items()] * 2),
    "contradiction": lambda: check(headers={**signed(), "X-Tesote-Timestamp": "1"}),
    "old": lambda: check(headers=signed(at=1)),
    "not JSON": lambda: check(b"{", signed(b"{")),
    "a secret with its line end": lambda: check(secret=[OLD_SECRET, SECRET + "\n"]),
    "text": lambda: check("text"),
    "tolerance": lambda: check(tolerance=0),
    "headers": lambda: check(headers=5),
    "an empty secret beside it": lambda: check(secret=[SECRET, ""]),
    "a secret that is no text": lambda: check(secret=[SECRET, None]),
    "a secret that UTF-8 cannot hold": lambda: check(secret=SECRET + "\udcff"),
    "clock": lambda: check(clock=lambda: 1 / 0),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_the_secret_is_not_where_a_crash_reporter_looks(failure: str) -> None:
    with pytest.raises((WebhookSignatureError, InvalidArgumentError, ZeroDivisionError)) as caught:
        FAILURES[failure]()
    shown = "".join(shown_in_frames(caught.value))
    assert "whsec_planted" not in shown + repr(caught.value) + str(caught.value)


def test_the_expected_signature_is_not_where_a_crash_reporter_looks() -> None:
    with pytest.raises(WebhookSignatureError, match="signature mismatch") as caught:
        check(headers={**signed(), "X-Tesote-Webhook-Signature": "0" * 64})
    assert SIGNATURE not in "".join(shown_in_frames(caught.value)) + str(caught.value)


def test_importing_the_module_loads_no_cryptography() -> None:
    program = (
        "import sys, tesote_sdk.webhooks\n"
        "names = 'hashlib hmac _hashlib _hmac ssl _ssl secrets random'.split()\n"
        "print(*(name for name in names if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == []
