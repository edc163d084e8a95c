# needs: freezegun time-machine
"""freezegun and time-machine: calls work at a moved or a stopped clock, and webhooks follow it."""

from __future__ import annotations

import datetime
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import freezegun
import time_machine

from tesote_sdk import V2Client, WebhookSignatureError, webhooks
from tesote_sdk.sandbox import sign_webhook
from tests.ecosystem.support import Fault, SandboxProcess, check, check_each, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

THEN = datetime.datetime(2031, 5, 17, 12, 0, tzinfo=datetime.timezone.utc)
SECRET = "whsec_tests"


def prove() -> str:
    clocks: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "freezegun": lambda: freezegun.freeze_time(THEN),
        "time-machine": lambda: time_machine.travel(THEN, tick=False),
        "time-machine ticking": lambda: time_machine.travel(THEN, tick=True),
    }
    proofs: dict[str, Callable[[], object]] = {}
    with SandboxProcess(accounts=5, transactions=1) as api:
        for name, clock in clocks.items():
            proofs[f"calls, {name}"] = partial(_call, api, clock)
            proofs[f"webhooks, {name}"] = partial(_verify, clock)
        return check_each(proofs)


def _call(api: SandboxProcess, clock: Callable[[], AbstractContextManager[Any]]) -> None:
    with V2Client() as client:
        client.status()
        with clock():
            check(len(list(client.accounts.list(per_page=2))) == 5, "a walk is not whole")
            api.tell("fail", status=503, times=2)
            client.status()
        client.status()  # the connection is from a time that has not come


def _verify(clock: Callable[[], AbstractContextManager[Any]]) -> None:
    event = {"id": "evt-1", "event": "sync.updates_available", "data": {}}
    body, moment = json.dumps(event).encode(), int(THEN.timestamp())
    headers = {
        "X-Tesote-Webhook-Signature": sign_webhook(body, SECRET, moment),
        "X-Tesote-Webhook-Timestamp": str(moment),
    }
    with clock():
        try:
            webhooks.verify(body, headers, SECRET)
        except WebhookSignatureError as error:
            raise Fault(f"a webhook signed at the moved time is refused: {error}") from error


if __name__ == "__main__":
    tell(prove)
