"""Print a table of the bank accounts.

    python docs/examples/quickstart.py

Without TESOTE_SDK_API_KEY in the environment it asks a sandbox on this machine, which needs no
network; with it, the real API.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from decimal import Decimal
from typing import TYPE_CHECKING

from tesote_sdk import TesoteError, V2Client

if TYPE_CHECKING:
    from tesote_sdk.types import Account

COLUMNS = "{:<36}  {:<11}  {:<8}  {:>18}  {}"


def main() -> None:
    # A console that cannot show a letter of a bank's name shows a question mark in its place.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    with ExitStack() as stack:
        try:
            client = stack.enter_context(connect(stack))
            print_accounts(client)
        except TesoteError as error:
            sys.exit(f"quickstart: {error}")


def connect(stack: ExitStack) -> V2Client:
    """Return a client of the real API, if there is a key for it, or else of a sandbox."""
    if os.environ.get("TESOTE_SDK_API_KEY"):
        return V2Client()
    from tesote_sdk.sandbox import Sandbox

    print("TESOTE_SDK_API_KEY is not set: these are the invented accounts of a sandbox.\n")
    sandbox = stack.enter_context(Sandbox())
    return V2Client(api_key=sandbox.api_key, base_url=sandbox.url)


def print_accounts(client: V2Client) -> None:
    """Print one line for each account, as the pages come in."""
    print(COLUMNS.format("ACCOUNT", "NUMBER", "CURRENCY", "BALANCE", "AS OF"))
    count = 0
    for account in client.accounts.list():
        data = account["data"]
        as_of = data["balance_data_current_as_of"] or "never"
        print(
            COLUMNS.format(
                account["name"],
                data["masked_account_number"],
                data["currency"],
                balance(account),
                as_of[:10],
            )
        )
        count += 1
    print(f"\n{count} accounts")


def balance(account: Account) -> str:
    """Return the balance in currency units; the workspace may be set to not show it."""
    cents = account["data"].get("balance_cents")
    return "not shown" if cents is None else f"{Decimal(cents).scaleb(-2):,.2f}"


if __name__ == "__main__":
    main()
