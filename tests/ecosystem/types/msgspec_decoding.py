# needs: msgspec
"""msgspec reads every type but those that hold an amount which may be text or a Decimal."""

import json
from decimal import Decimal
from typing import Any

import msgspec

import tesote_sdk.types
from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.types import Account, SyncDelta, Transaction

# One str-like type is what msgspec admits in a union, and these have two: str and Decimal or date.
REFUSED = {
    "Amount",
    "Batch",
    "BatchCreated",
    "BatchOrder",
    "OrderFee",
    "Id",
    "ReceivedAmount",
    "TransactionOrder",
}


class Order(msgspec.Struct):
    """What a program needs of a payment order, with the amount as exact as it was sent."""

    id: str
    status: str
    amount: Decimal
    currency: str


def main() -> None:
    refused = set()
    for name in tesote_sdk.types.__all__:
        try:
            msgspec.json.Decoder(getattr(tesote_sdk.types, name))
        except TypeError as error:
            assert "more than one str-like type" in str(error), error
            refused.add(name)
    assert refused == REFUSED, refused ^ REFUSED
    with Sandbox() as sandbox:
        client = V2Client(sandbox.api_key, base_url=sandbox.url)
        account = client.accounts.list().data[0]
        response = client.request("GET", f"/v2/accounts/{account['id']}")
        assert msgspec.json.decode(response.content, type=Account) == response.json
        transactions = client.transactions.list_for_account(account["id"]).data
        assert msgspec.convert(transactions, list[Transaction]) == transactions
        delta = client.transactions.sync(account["id"])
        assert msgspec.convert(delta, SyncDelta) == delta
        assert json.loads(msgspec.json.encode(delta)) == delta
        read_order(client, account)
    refuse(account)


def read_order(client: V2Client, account: Account) -> None:
    """An order is read into a struct of one's own, whether its amount was text or a number."""
    destination = next(each for each in client.payment_methods.list() if each["counterparty"])
    made = client.transaction_orders.create(
        account["id"],
        amount="1530.25",
        currency=account["data"]["currency"],
        description="Invoice 104",
        destination_payment_method_id=destination["id"],
    )
    for amount in ("1530.25", 1530.25, Decimal("1530.25")):
        order = msgspec.convert({**made, "amount": amount}, Order)
        assert order.amount == Decimal("1530.25")
        assert order.id == made["id"]


def refuse(account: Any) -> None:
    """A required key that is missing is refused; a key that no type lists is dropped, always."""
    assert msgspec.convert({**account, "news": 1}, Account) == account
    for wrong in ({"id": account["id"]}, {**account, "bank": {"name": 7}}):
        try:
            msgspec.convert(wrong, Account)
        except msgspec.ValidationError:
            continue
        raise AssertionError(f"msgspec admits {wrong}")


if __name__ == "__main__":
    main()
    print(f"held: msgspec {msgspec.__version__} reads all types but {len(REFUSED)}")
