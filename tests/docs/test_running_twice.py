"""What the documentation pays, it pays once, however often a reader runs it."""

from __future__ import annotations

import collections
import contextlib
import io
from typing import Any

import pytest

from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox

from .markdown import ROOT, blocks, hurry


@pytest.mark.parametrize(
    ("page", "payment"),
    [
        ("README.md", "Flour, invoice HS-2231"),
        ("docs/guides/payments.md", "Invoice HS-2231"),
    ],
)
def test_a_page_that_pays_may_be_run_twice(
    page: str, payment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = [block for block in blocks(ROOT / page) if block.info == "python"]
    with Sandbox(accounts=2, transactions=2) as sandbox:
        monkeypatch.setenv("TESOTE_SDK_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TESOTE_SDK_API_URL", sandbox.url)
        hurry(monkeypatch)
        paid = []
        for _ in range(2):
            names: dict[str, Any] = {}
            with contextlib.redirect_stdout(io.StringIO()):
                for block in code:
                    source = "\n" * (block.line - 1) + block.code
                    exec(compile(source, page, "exec"), names)  # noqa: S102 - the code is ours
            names["client"].close()
            paid.append(_payments(sandbox))
    assert payment in paid[0]
    assert paid[1] == paid[0] == dict.fromkeys(paid[0], 1)


def _payments(sandbox: Sandbox) -> dict[str, int]:
    """How many orders the bank was given for each payment, by their descriptions."""
    with V2Client(sandbox.api_key, base_url=sandbox.url) as client:
        orders = client.transaction_orders.list(sandbox.account_ids[0])
        return collections.Counter(
            str(order["description"]) for order in orders if order["submitted_at"]
        )
