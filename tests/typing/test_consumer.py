"""The clients as `mypy --strict` sees them in a user's program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tesote_sdk
from tesote_sdk import V1Client, V2Client
from tests.v1.endpoint_table import public_methods
from tests.v1.harness import connected

if TYPE_CHECKING:
    import pytest

# A line that ends in "# E: text" must be an error that says so (the codes of errors differ between
# releases of mypy), and every other line must be accepted. `assert_type` accepts no Any in place of
# a type.
CONSUMER = """
from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, Union

from typing_extensions import assert_type

from tesote_sdk.pagination import PageIterator
from tesote_sdk.v2.sync_deltas import SyncDeltas
import tesote_sdk
from tesote_sdk import (
    ExportFile, Page, RetryPolicy, SyncFailedError, SyncInProgressError, TesoteError, V1Client,
    V2Client,
)
from tesote_sdk.transport import RateLimit, Response, Transport
from tesote_sdk.types import (
    Account, AccountSyncStarted, Batch, BatchApproved, BatchCancelled, BatchCreated, BatchOrder,
    BatchSubmitted, PaymentMethod, Status, SyncDelta, SyncSession, Transaction, TransactionOrder,
    WhoAmI,
)

v1 = V1Client(api_key="sk_live_x")
v2 = V2Client(api_key="sk_live_x", parse_float=Decimal, retry_policy=RetryPolicy(max_attempts=1))
today = datetime.date(2026, 3, 1)
now = datetime.datetime.now(datetime.timezone.utc)

# The modules that are reached through the package alone.
assert_type(tesote_sdk.money.from_cents("123450", "USD"), Decimal)
assert_type(tesote_sdk.money.to_cents("1234.50", "USD"), int)
assert_type(tesote_sdk.times.parse("2026-03-02T16:00:00Z"), datetime.datetime)
assert_type(tesote_sdk.webhooks.verify(b"", {}, "whsec_x").event, Union[str, None])
assert_type(tesote_sdk.sandbox.Sandbox().url, str)
assert_type(tesote_sdk.transport.DEFAULT_READ_TIMEOUT, float)
one: tesote_sdk.types.Account = v2.accounts.get("a1")
tesote_sdk.money.from_cents(1234.5, "USD")  # E: Argument 1
tesote_sdk.money.to_cents(1234.5, "USD")  # E: Argument 1

# Every method of v1.
assert_type(v1.status(), Status)
assert_type(v1.whoami(), WhoAmI)
assert_type(v1.accounts.list(page=1, per_page=2), Page[Account])
assert_type(v1.accounts.get("a1"), Account)
assert_type(v1.transactions.list_for_account("a1", start_date=today), Page[Transaction])
assert_type(v1.transactions.get("t1"), Transaction)

# Every method of v2.
assert_type(v2.status(cache_ttl=30), Status)
assert_type(v2.whoami(), WhoAmI)
assert_type(v2.accounts.list(), Page[Account])
assert_type(v2.accounts.get("a1", cache_ttl=0.5), Account)
assert_type(v2.accounts.sync("a1"), AccountSyncStarted)
assert_type(v2.transactions.list_for_account("a1", created_after=now), Page[Transaction])
assert_type(v2.transactions.get("t1"), Transaction)
assert_type(v2.transactions.search("q", amount_min=Decimal("1.5")), Page[Transaction])
assert_type(v2.transactions.export("a1", format="json"), ExportFile)
assert_type(v2.transactions.sync("a1", cursor=None, count=500), SyncDelta)
assert_type(v2.transactions.iter_sync("a1"), SyncDeltas)
assert_type(v2.transactions.sync_legacy("a1"), SyncDelta)
assert_type(v2.transactions.bulk(["a1"]), dict[str, Page[Transaction]])
assert_type(v2.sync_sessions.list("a1", status="of tomorrow"), Page[SyncSession])
assert_type(v2.sync_sessions.get("a1", "s1"), SyncSession)
assert_type(v2.sync_sessions.wait("a1", "s1", on_poll=print), SyncSession)
assert_type(v2.transaction_orders.list("a1"), Page[TransactionOrder])
assert_type(v2.transaction_orders.get("a1", "o1"), TransactionOrder)
assert_type(
    v2.transaction_orders.pay(
        "a1", amount=1, currency="USD", description="Flour", beneficiary={"name": "Harinas"},
        token="481920", idempotency_key="k1",
    ),
    TransactionOrder,
)
assert_type(v2.transaction_orders.wait("a1", "o1", on_poll=print), TransactionOrder)
assert_type(
    v2.transaction_orders.find_by_idempotency_key("a1", "k1"), Union[TransactionOrder, None]
)
assert_type(
    v2.transaction_orders.create(
        "a1", amount="1.50", currency="VES", description="x", beneficiary={"name": "x"}
    ),
    TransactionOrder,
)
assert_type(v2.transaction_orders.submit("a1", "o1", token="1"), TransactionOrder)
assert_type(v2.transaction_orders.cancel("a1", "o1"), TransactionOrder)
good: BatchOrder = {
    "amount": Decimal("1"), "currency": "VES", "description": "x", "scheduled_for": now,
}
assert_type(v2.batches.create("a1", [good]), BatchCreated)
assert_type(v2.batches.get("a1", "b1"), Batch)
assert_type(v2.batches.approve("a1", "b1"), BatchApproved)
assert_type(v2.batches.submit("a1", "b1"), BatchSubmitted)
assert_type(v2.batches.cancel("a1", "b1"), BatchCancelled)
assert_type(v2.payment_methods.list(verified=True), Page[PaymentMethod])
assert_type(v2.payment_methods.get("p1"), PaymentMethod)
assert_type(v2.payment_methods.create(method_type="wire", currency="USD"), PaymentMethod)
assert_type(v2.payment_methods.update("p1", label="x"), PaymentMethod)

assert_type(v2.payment_methods.delete("p1"), None)

# The clients themselves.
assert_type(v2.request("GET", "/v2/accounts"), Response)
assert_type(v2.with_options(read_timeout=120), V2Client)
assert_type(v2.last_rate_limit, Union[RateLimit, None])
assert_type(v2.transport, Transport)
v2.close()
with V1Client() as entered:
    assert_type(entered, V1Client)

# Pages.
page = v2.accounts.list()
for account in page:
    assert_type(account, Account)
    assert_type(account["data"]["currency"], str)
    account["data"]["curency"]  # E: "curency"
    account["balance"]  # E: "balance"
assert_type(page.data, list[Account])
assert_type(page.total, Union[int, None])
assert_type(page.next_page(), Page[Account])
assert_type(page.iter_pages(), PageIterator[Account])
assert_type(page.has_next_page(), bool)
assert_type(page.response, Response)
# The names and values of these two are for programs that do not know the style of the list.
assert_type(page.next_params, Union[dict[str, Any], None])
assert_type(page.pagination, Union[dict[str, Any], None])

# Files and errors.
file = v2.transactions.export("a1")
assert_type(file.content, bytes)
assert_type(file.text, str)
assert_type(file.filename, str)
assert_type(file.content_type, Union[str, None])
file.save("march.csv").read_bytes()
try:
    v2.accounts.sync("a1")
except SyncInProgressError as running:
    if running.current_session_id:
        assert_type(v2.sync_sessions.wait("a1", running.current_session_id), SyncSession)
except SyncFailedError as failed:
    assert_type(failed.session, Union[SyncSession, None])
except TesoteError as error:
    assert_type(error.retry_after, Union[float, None])

# Mistakes.
v2.transaction_orders.create("a1", amount=1.5, currency="V", description="x")  # E: "amount"
v2.transaction_orders.create("a1", amount="1.5", description="x")  # E: "currency"
v2.transaction_orders.create(  # E: "memo"
    "a1", amount="1.5", currency="VES", description="x", memo="y"
)
v2.transaction_orders.create(
    "a1", amount="1", currency="V", description="x", beneficiary={"bank": "x"}  # E: "beneficiary"
)
v2.transactions.search("q", amount=1.5)  # E: "amount"
v2.batches.create("a1", [{"amount": 1.5, "currency": "V", "description": "x"}])  # E: "amount"
v2.batches.create("a1", [{"amount": "1", "currency": "V"}])  # E: "description"
v2.transactions.export("a1", format="pdf")  # E: "format"
v2.transactions.list_for_account()  # E: "account_id"
v2.transactions.list_for_account("a1", "t1")  # E: Argument 2
v2.transactions.list_for_account("a1", after="t1")  # E: "after"
v2.transactions.list_for_account("a1", start_date=20260301)  # E: "start_date"
v2.transactions.sync("a1", count="100")  # E: "count"
v2.accounts.get(7)  # E: Argument 1
v2.accounts.list(per_page="100")  # E: "per_page"
v2.payment_methods.list(verified="yes")  # E: "verified"
v2.sync_sessions.wait("a1", "s1", on_poll=7)  # E: "on_poll"
v2.transaction_orders.pay("a1", amount=1, currency="USD", description="x")  # E: "idempotency_key"
v2.accounts.remove("a1")  # E: "remove"
v1.batches  # E: "batches"
v1.transactions.export("a1")  # E: "export"
V2Client("sk_live_x", 5)  # E: Argument 2
V2Client(timeout=5)  # E: "timeout"
"""


def test_a_users_program_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    said: dict[int, str] = {}
    for line in done.stdout.splitlines():
        found = re.match(r"consumer\.py:(\d+): error: (.*)", line)
        if found:
            said[int(found[1])] = said.get(int(found[1]), "") + found[2]
    expected = {
        number: mark[1]
        for number, line in enumerate(CONSUMER.splitlines(), 1)
        if (mark := re.search(r"  # E: (.+)$", line))
    }
    assert {number: text for number, text in said.items() if number not in expected} == {}
    assert [text for number, text in expected.items() if text not in said.get(number, "")] == []


def test_the_program_calls_every_public_method() -> None:
    for name, kind in (("v1", V1Client), ("v2", V2Client)):
        with connected(kind, "http://127.0.0.1:9") as client:
            called = {call for call in public_methods(client) if f"{name}.{call}(" in CONSUMER}
            assert called == public_methods(client)
