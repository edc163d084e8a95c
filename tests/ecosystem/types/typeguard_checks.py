# needs: typeguard>=4
"""typeguard checks arguments and results that are typed with the SDK's types."""

import importlib.metadata
from typing import Any

from typeguard import TypeCheckError, check_type, typechecked

import tesote_sdk.types
from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.types import Account, Amount, SyncDelta, Transaction, TransactionOrder


@typechecked
def currency_of(account: Account) -> str:
    return account["data"]["currency"]


@typechecked
def first_of(transactions: list[Transaction]) -> Transaction:
    return transactions[0]


@typechecked
def shown(amount: Amount) -> str:
    return f"{amount}"


def main() -> None:
    with Sandbox() as sandbox:
        client = V2Client(sandbox.api_key, base_url=sandbox.url)
        account = client.accounts.list().data[0]
        assert currency_of(account) == account["data"]["currency"]
        first_of(client.transactions.list_for_account(account["id"]).data)
        delta = client.transactions.sync(account["id"])
        assert check_type(delta, SyncDelta) is delta
    assert shown("1.10") == "1.10"
    wrong: Any
    for call, wrong in (
        (currency_of, {"id": "a1"}),
        (currency_of, {**account, "name": None}),
        (first_of, [account]),
        (shown, 1.5),
    ):
        try:
            call(wrong)
        except TypeCheckError:
            continue
        raise AssertionError(f"{call.__name__} admits {wrong}")
    refuse_every_type_without_its_keys()


def refuse_every_type_without_its_keys() -> None:
    for name in tesote_sdk.types.__all__:
        kind = getattr(tesote_sdk.types, name)
        if getattr(kind, "__required_keys__", None):
            try:
                check_type({}, kind)
            except TypeCheckError as error:
                assert "is missing required key" in str(error), error
            else:
                raise AssertionError(f"{name} admits an empty dict")
    assert TransactionOrder.__optional_keys__ == {"batch_id", "metadata"}


if __name__ == "__main__":
    main()
    print(f"held: typeguard {importlib.metadata.version('typeguard')} checks the types")
