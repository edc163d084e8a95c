"""What the tests of the two mirrors share: a bank that moves, and what a mirror of it must hold."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tesote_sdk
from tesote_sdk import V2Client
from tests.docs.examples import EXAMPLES

if TYPE_CHECKING:
    from random import Random

    import pytest

    from tesote_sdk.sandbox import Sandbox

SOURCE = str(Path(tesote_sdk.__path__[0]).resolve().parent)
SYNC_PATH = "/v2/accounts/*/transactions/sync"
SENT = {
    "transaction_id": "t-1",
    "amount": 1,
    "iso_currency_code": "USD",
    "date": "2026-03-01",
    "name": "A",
    "pending": False,
    "category": [],
}
IN_STEP, SOME_FAILED, NOTHING_DONE = 0, 1, 2


def start(*command: str, **environment: str) -> subprocess.Popen[str]:
    """Start a program of the documentation as users do, in a process of its own.

    Args:
        command: The program's name and its arguments, or `-c` and a program that imports it.
        environment: Changes of the environment.
    """
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=EXAMPLES,
        env={
            **os.environ,
            "PYTHONPATH": SOURCE,
            "PYTHONIOENCODING": "utf-8",
            **environment,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def point_at(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Have programs ask a sandbox."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TESOTE_SDK_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TESOTE_SDK_API_URL", sandbox.url)


def truth(sandbox: Sandbox) -> list[tuple[Any, ...]]:
    """Return what a mirror must hold, as the lists tell it: another endpoint, and other shapes."""
    with V2Client(api_key=sandbox.api_key, base_url=sandbox.url) as client:
        return sorted(
            (
                row["id"],
                account_id,
                row["data"]["transaction_date"],
                Decimal(row["data"]["amount_cents"]) / 100,
                row["data"]["currency"],
                row["data"]["description"] or "",
                (row["counterparty"] or {}).get("name"),
                row["status"] != "completed",
                [each["name"] for each in row["transaction_categories"]],
            )
            for account_id in sandbox.account_ids
            for row in client.transactions.list_for_account(account_id, per_page=100)
        )


class Bank:
    """Moves the data of a sandbox, and throws trouble in, by a seeded chance."""

    def __init__(self, sandbox: Sandbox, random: Random) -> None:
        self.sandbox = sandbox
        self.random = random
        self.alive = [row[0] for row in truth(sandbox)]

    def move(self) -> None:
        """Post, settle or remove a transaction."""
        what = self.random.choice(("post", "post", "settle", "remove"))
        if what == "post":
            posted = self.sandbox.post_transaction(
                self.random.choice(self.sandbox.account_ids),
                amount_cents=self.random.randrange(-(10**12), 10**12),
                description=f"number {len(self.alive)}",
            )
            self.alive.append(posted["id"])
        elif what == "settle":
            self.sandbox.settle(self.random.choice(self.alive))
        else:
            self.sandbox.remove(self.alive.pop(self.random.randrange(len(self.alive))))

    def trouble(self) -> None:
        """Have the next request fail, each in another way that may pass."""
        what = self.random.randrange(5)
        if what == 0:
            self.sandbox.fail(503)
        elif what == 1:
            self.sandbox.fail(error_code="MUTATION_CONFLICT", path=SYNC_PATH)
        elif what == 2:
            self.sandbox.drop(when="before_response")
        elif what == 3:
            self.sandbox.drop(when="mid_body")
        else:
            self.sandbox.drop(when="after_processing")
