"""Programs of users, for a type checker: what must be accepted, refused and inferred."""

from __future__ import annotations

READER = """
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
"""Reads the types of the API. A line that ends in "# E: code" must be that error; "# R: type" must
reveal that type; all the others must be accepted."""

CALLER = """
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
"""Calls the clients. A line that ends in "# E: text" must be an error that says so (the codes of
errors differ between releases of mypy), and every other line must be accepted. `assert_type`
accepts no Any in place of a type."""
