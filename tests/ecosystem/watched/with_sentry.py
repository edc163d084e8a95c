# needs: sentry-sdk
"""Sentry's report of a failed payment, locals of all frames in it, has no key and no account."""

from __future__ import annotations

import logging
import secrets
import urllib.request
from functools import partial
from typing import Any, ClassVar

import sentry_sdk
from sentry_sdk.transport import Transport

from tesote_sdk import RetryPolicy, TesoteError, V2Client
from tests.ecosystem.support import SandboxProcess, check, check_each, tell


class Kept(Transport):
    """Keeps what would be sent."""

    envelopes: ClassVar[list[Any]] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.envelopes.append(envelope)


class Supplier:
    """The user's own data, of which their own frames show nothing."""

    def __init__(self, account_number: str) -> None:
        self.beneficiary = {
            "name": "Harinas del Sur C.A.",
            "bank_code": "0199",
            "account_number": account_number,
        }

    def __repr__(self) -> str:
        return "<Supplier>"


def prove() -> str:
    # Before Sentry, which shows the arguments of subprocesses.
    with SandboxProcess(accounts=3, transactions=1) as api:
        sentry_sdk.init(
            dsn="https://public@localhost/1",
            transport=Kept,
            include_local_variables=True,
            send_default_pii=True,
            max_request_body_size="always",
            traces_sample_rate=1.0,
            max_value_length=100_000,
        )
        logging.getLogger("tesote_sdk").setLevel(logging.DEBUG)
        with V2Client() as own, V2Client(opener=urllib.request.urlopen) as urllibs:
            held = check_each(
                {
                    "the SDK's connections": partial(_try, api, own),
                    "urllib as opener": partial(_try, api, urllibs),
                }
            )
    return f"refused, lost and unreadable answers, with all locals: {held}"


def _try(api: SandboxProcess, client: V2Client) -> None:
    once = client.with_options(retry_policy=RetryPolicy(max_attempts=1))
    faults: dict[str, Any] = {
        "refused": ("fail", {"status": 422, "error_code": "VALIDATION_ERROR", "times": None}),
        "lost": ("drop", {"when": "mid_body", "times": None}),
        "unreadable": ("fail", {"status": 200, "body": "<html>", "times": None}),
    }
    for name, (method, arguments) in faults.items():
        supplier = Supplier("0199" + str(secrets.randbelow(10**16)).zfill(16))
        api.tell("clear_faults")
        api.tell(method, **arguments)
        Kept.envelopes.clear()
        _pay(once, api.account_ids[0], supplier)
        sentry_sdk.flush()
        _look(name, api, supplier)


def _pay(client: V2Client, account_id: str, supplier: Supplier) -> None:
    with sentry_sdk.start_transaction(name="pay"):
        try:
            client.transaction_orders.create(
                account_id,
                amount="1.25",
                currency="USD",
                description="Flour",
                beneficiary=supplier.beneficiary,  # type: ignore[arg-type]
            )
        except TesoteError as error:
            sentry_sdk.capture_exception(error)


def _look(name: str, api: SandboxProcess, supplier: Supplier) -> None:
    items = [item for envelope in Kept.envelopes for item in envelope.items]
    text = "\n".join(item.payload.get_bytes().decode() for item in items)
    check('"exception"' in text and '"vars"' in text, f"{name}: nothing was captured")
    for what, secret in (
        ("the key", api.api_key),
        ("the account number", supplier.beneficiary["account_number"]),
    ):
        place = text.find(secret)
        check(place < 0, f"{name}: {what} is in the report: ...{text[max(0, place - 120) : place]}")


if __name__ == "__main__":
    tell(prove)
