"""The types as `mypy --strict` sees them in a consumer's program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tesote_sdk

if TYPE_CHECKING:
    import pytest

# A line that ends in "# E: code" must be that error; "# R: type" must reveal that type; all the
# others must be accepted.
CONSUMER = """
from __future__ import annotations

import json
from decimal import Decimal

from tesote_sdk.types import (
    Account, Amount, Batch, BatchCancelled, BatchOrder, Beneficiary, CursorPagination, ExportFormat,
    OrderStatus, PaymentMethod, SyncDelta, SyncSession, Transaction, TransactionOrder, WhoAmI,
)


def read_account(account: Account) -> None:
    reveal_type(account["data"]["currency"])  # R: str
    reveal_type(account["bank"]["name"])  # R: str | None
    reveal_type(account["data"]["transactions_data_current_as_of"])  # R: str | None
    account["data"]["curency"]  # E: typeddict-item
    account["balance"]  # E: typeddict-item
    print(int(account["data"].get("balance_cents", 0)) / 100)
    account["legal_entity"]["legal_name"]  # E: index
    json.dumps(account)


def read_transaction(transaction: Transaction) -> None:
    reveal_type(transaction["data"]["amount_cents"])  # R: int
    reveal_type(transaction["data"].get("running_balance_cents"))  # R: int | None
    if transaction["status"] == "a status added tomorrow":
        print(transaction["id"])
    for category in transaction.get("transaction_categories", []):
        reveal_type(category["external_category_code"])  # R: str | None


def read_delta(delta: SyncDelta, session: SyncSession, cursor: CursorPagination) -> None:
    reveal_type(delta["added"][0]["pending"])  # R: bool
    delta["added"][0]["id"]  # E: typeddict-item
    reveal_type(delta["next_cursor"])  # R: str | None
    print(Decimal(str(delta["modified"][0]["amount"])), delta["removed"][0].get("account_id"))
    error = session.get("error")
    if error:
        reveal_type(error["type"])  # R: str
    reveal_type(cursor["has_more"])  # R: bool


def read_order(order: TransactionOrder, method: PaymentMethod, batch: Batch) -> None:
    status: OrderStatus = order["status"]
    if status == "draft":
        order["amount"] + 1  # E: operator
        print(Decimal(str(order["amount"])))
    fee = order["fee"]
    fee["currency"]  # E: index
    reveal_type(order["source_account"]["payment_method_id"])  # R: str
    reveal_type(batch["statuses"].get("draft"))  # R: int | None
    print(method["details"]["bank_code"], batch["orders"][0]["id"])


def read_whoami(whoami: WhoAmI, cancelled: BatchCancelled) -> None:
    reveal_type(whoami.get("workspace_name"))  # R: str | None
    for error in cancelled["errors"]:
        print(error.get("message") or error.get("error"))


tomorrow: OrderStatus = "a status added tomorrow"
amounts: list[Amount] = ["1530.25", 1530, Decimal("1530.25")]
inexact: Amount = 1530.25  # E: assignment
csv: ExportFormat = "csv"
pdf: ExportFormat = "pdf"  # E: assignment
order: BatchOrder = {"amount": "1.00", "currency": "VES", "description": "Week 9"}
binary: BatchOrder = {"amount": 1.5, "currency": "VES", "description": "9"}  # E: typeddict-item
vague_order: BatchOrder = {"amount": "1.00", "currency": "VES"}  # E: typeddict-item
nobody: Beneficiary = {"bank_code": "0199"}  # E: typeddict-item
misspelt: Beneficiary = {"name": "Lucia Prado", "bank": "0199"}  # E: typeddict-unknown-key
"""

MARK = re.compile(r"  # ([ER]): (.+)$")
# how older releases of mypy write `X | None`
OPTIONAL = re.compile(r"^Union\[(.+), None\]$")


def _summary(diagnostic: str) -> str | None:
    """What a diagnostic of mypy comes down to: "E: code", "R: type", or None for a mere hint."""
    revealed = re.fullmatch(r'note: Revealed type is "(.+)"', diagnostic)
    if revealed:
        kind = re.sub(r"builtins\.|typing\.", "", revealed[1])
        return "R: " + OPTIONAL.sub(r"\1 | None", kind)
    refused = re.fullmatch(r"error: .* \[([a-z-]+)\]", diagnostic)
    return f"E: {refused[1]}" if refused else None


def test_a_consumer_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = tmp_path / "consumer.py"
    consumer.write_text(CONSUMER, encoding="utf-8")
    monkeypatch.setenv("MYPYPATH", str(Path(tesote_sdk.__path__[0]).parent))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-color-output"),
            *("--hide-error-context", "--config-file", "", "--cache-dir", str(tmp_path / "cache")),
            *("--follow-imports", "silent", consumer.name),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stderr == ""
    expected = {
        (number, f"{mark[1]}: {mark[2]}")
        for number, line in enumerate(CONSUMER.splitlines(), 1)
        if (mark := MARK.search(line))
    }
    said = set()
    for line in done.stdout.splitlines():
        _, number, diagnostic = line.split(":", 2)
        summary = _summary(diagnostic.strip())
        if summary:
            said.add((int(number), summary))
    assert said == expected
