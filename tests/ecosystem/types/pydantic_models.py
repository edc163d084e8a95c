# needs: pydantic>=2.5
"""pydantic reads every type of the SDK, and keeps keys that the types do not list when told to."""

import copy
from decimal import Decimal
from typing import Any, Optional

import pydantic
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, with_config

import tesote_sdk.types
from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.types import (
    Account,
    BatchOrder,
    PaymentMethod,
    Status,
    SyncDelta,
    SyncSession,
    Transaction,
    TransactionOrder,
    WhoAmI,
)


@with_config(ConfigDict(extra="allow"))
class WholeAccount(Account):
    """An account with all that the server sent, at every depth."""


class Posting(BaseModel):
    """A user's model that holds results of the SDK."""

    model_config = ConfigDict(extra="allow")

    account: Account
    transactions: list[Transaction]
    order: Optional[TransactionOrder] = None


def main() -> None:
    for name in tesote_sdk.types.__all__:
        schema = TypeAdapter(getattr(tesote_sdk.types, name)).json_schema()
        assert schema, name
    with Sandbox() as sandbox:
        client = V2Client(sandbox.api_key, base_url=sandbox.url, parse_float=Decimal)
        results = read_all(client)
    for kind, result in results:
        check(kind, result)
    account, transaction = results[0][1], results[1][1]
    keep_more(account)
    hold(account, transaction)
    refuse(account)


def read_all(client: V2Client) -> list[tuple[Any, Any]]:
    """Return one result of each kind, with its type."""
    account = client.accounts.list().data[0]
    destination = next(each for each in client.payment_methods.list() if each["counterparty"])
    order = client.transaction_orders.create(
        account["id"],
        amount="1530.25",
        currency=account["data"]["currency"],
        description="Invoice 104",
        destination_payment_method_id=destination["id"],
    )
    return [
        (Account, account),
        (Transaction, client.transactions.list_for_account(account["id"]).data[0]),
        (TransactionOrder, order),
        (PaymentMethod, destination),
        (SyncDelta, client.transactions.sync(account["id"])),
        (SyncSession, client.sync_sessions.list(account["id"]).data[0]),
        (Status, client.status()),
        (WhoAmI, client.whoami()),
    ]


def check(kind: Any, result: Any) -> None:
    """A result is valid as it is, and comes back the same, through JSON too."""
    adapter = TypeAdapter(kind)
    assert adapter.validate_python(result) == result, (kind, result)
    assert adapter.validate_python(adapter.dump_python(result)) == result
    assert adapter.validate_json(adapter.dump_json(result)).keys() == result.keys()


def keep_more(account: Any) -> None:
    """Keys that no type lists are dropped as pydantic does by itself, and kept where it is told."""
    grown = copy.deepcopy(account)
    grown["of_tomorrow"] = grown["data"]["of_tomorrow"] = {"deep": [1]}
    assert TypeAdapter(Account).validate_python(grown) == account
    for kind, config, one in (
        (WholeAccount, None, grown),
        (list[Account], ConfigDict(extra="allow"), [grown]),
        (dict[str, Account], ConfigDict(extra="allow"), {"main": grown}),
    ):
        adapter: TypeAdapter[Any] = TypeAdapter(kind, config=config)
        assert adapter.validate_python(one) == one
        assert adapter.validate_json(adapter.dump_json(one)) == one


def hold(account: Any, transaction: Any) -> None:
    """A model holds results, and finds the type that a misspelt one is not."""
    grown = {**account, "data": {**account["data"], "of_tomorrow": 1}}
    posting = Posting(account=grown, transactions=[transaction])
    assert posting.account == grown
    assert posting.model_dump() == {"account": grown, "transactions": [transaction], "order": None}
    assert Posting.model_validate_json(posting.model_dump_json()) == posting


def refuse(account: Any) -> None:
    """What a type does not admit is refused: a required key that is missing, a float amount."""
    order: BatchOrder = {"amount": Decimal("1.10"), "currency": "VES", "description": "Week 9"}
    assert TypeAdapter(BatchOrder).validate_python(order) == order
    for kind, wrong, where in (
        (Account, {key: value for key, value in account.items() if key != "bank"}, ("bank",)),
        (Account, {**account, "data": {**account["data"], "currency": 7}}, ("data", "currency")),
        (BatchOrder, {"amount": "1.10", "currency": "VES"}, ("description",)),
    ):
        try:
            TypeAdapter(kind).validate_python(wrong)
        except ValidationError as error:
            assert [each["loc"] for each in error.errors()] == [where], error
        else:
            raise AssertionError(f"{kind} admits {wrong}")


if __name__ == "__main__":
    main()
    print(f"held: pydantic {pydantic.VERSION} reads all types and keeps unlisted keys")
