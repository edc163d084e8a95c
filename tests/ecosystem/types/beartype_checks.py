# needs: beartype
"""beartype takes every type of the SDK in a signature, and refuses what is plainly none."""

from typing import Any

import beartype
from beartype.door import is_bearable
from beartype.roar import BeartypeCallHintViolation

import tesote_sdk.types
from tesote_sdk import V2Client
from tesote_sdk.sandbox import Sandbox
from tesote_sdk.types import Account, Amount, Transaction


@beartype.beartype
def currency_of(account: Account) -> str:
    return account["data"]["currency"]


@beartype.beartype
def ids_of(transactions: list[Transaction]) -> list[str]:
    return [each["id"] for each in transactions]


@beartype.beartype
def shown(amount: Amount) -> str:
    return f"{amount}"


def main() -> None:
    for name in tesote_sdk.types.__all__:
        kind = getattr(tesote_sdk.types, name)
        assert not is_bearable(object(), kind), name
    with Sandbox() as sandbox:
        client = V2Client(sandbox.api_key, base_url=sandbox.url)
        account = client.accounts.list().data[0]
        assert currency_of(account) == account["data"]["currency"]
        transactions = client.transactions.list_for_account(account["id"]).data
        assert ids_of(transactions) == [each["id"] for each in transactions]
    assert shown("1.10") == "1.10"
    wrong: Any
    for call, wrong in ((currency_of, "a1"), (ids_of, "a1"), (ids_of, [7]), (shown, 1.5)):
        try:
            call(wrong)
        except BeartypeCallHintViolation:
            continue
        raise AssertionError(f"{call.__name__} admits {wrong}")


if __name__ == "__main__":
    main()
    print(f"held: beartype {beartype.__version__} takes the types")
