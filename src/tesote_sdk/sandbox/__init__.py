"""A Tesote API in memory, served over HTTP on this machine: for tests, demos and first steps.

    from tesote_sdk import V2Client
    from tesote_sdk.sandbox import Sandbox

    with Sandbox() as sandbox:
        client = V2Client(api_key=sandbox.api_key, base_url=sandbox.url)
        print(client.status())

It needs neither an API key nor a network. A test moves what is behind the API, and makes trouble
on cue:

    sandbox.post_transaction(sandbox.account_ids[0], amount_cents=-1250, description="POS")
    sandbox.fail(503, times=2, path="/v2/accounts/*/sync")
    assert sandbox.requests[-1].headers["Idempotency-Key"]

From a shell, `python -m tesote_sdk.sandbox` serves one until it is interrupted.
"""

from __future__ import annotations

from ._sandbox import Sandbox
from ._state.order_states import REFUSED_TOKEN
from ._wire.messages import Headers, RecordedRequest
from ._wire.webhooks import sign_webhook

__all__ = ["REFUSED_TOKEN", "Headers", "RecordedRequest", "Sandbox", "sign_webhook"]
