"""Print a table of the bank accounts.

    python docs/examples/quickstart.py

Without TESOTE_SDK_API_KEY in the environment it asks a sandbox on this machine, which needs no
network; with it, the real API.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tesote_sdk import InvalidArgumentError, TesoteError, V2Client, money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tesote_sdk.types import Account

MOST_ROWS = 20  # so that the head of the table stays on the screen
COLUMNS = "{:<36.36}  {:<11.11}  {:<8.8}  {:>18}  {:.10}"


def main() -> None:
    # A console that cannot show a letter of a bank's name shows a question mark in its place.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        with ExitStack() as stack:
            print_accounts(stack.enter_context(connect(stack)))
    except (TesoteError, OSError) as error:
        sys.exit(f"quickstart: {plain(error)}")
    except KeyboardInterrupt:
        sys.exit(130)


def connect(stack: ExitStack) -> V2Client:
    """Return a client of the real API, if there is a key for it, or else of a sandbox."""
    if os.environ.get("TESOTE_SDK_API_KEY"):
        return V2Client()
    from tesote_sdk.sandbox import Sandbox

    print("TESOTE_SDK_API_KEY is not set: these are the invented accounts of a sandbox.\n")
    sandbox = stack.enter_context(Sandbox())
    return V2Client(api_key=sandbox.api_key, base_url=sandbox.url)


def print_accounts(client: V2Client) -> None:
    """Print a line for each of the first accounts, and how many there are."""
    print(COLUMNS.format("ACCOUNT", "NUMBER", "CURRENCY", "BALANCE", "AS OF"))
    count = 0
    for account in client.accounts.list():
        count += 1
        if count <= MOST_ROWS:
            print(row(account))
    if count > MOST_ROWS:
        print(f"and {count - MOST_ROWS} more")
    print(f"\n{count} accounts")


def row(account: Account) -> str:
    data = account.get("data") or {}
    cells = (
        account.get("name"),
        data.get("masked_account_number"),
        data.get("currency"),
        balance(data),
        data.get("balance_data_current_as_of") or "never",
    )
    return COLUMNS.format(*map(plain, cells))


def balance(data: Mapping[str, object]) -> str:
    """Return the balance in currency units; the workspace may be set to not show it."""
    cents = data.get("balance_cents")
    if cents is None:
        return "not shown"
    try:
        return f"{money.from_cents(cents, data.get('currency')):,}"
    except InvalidArgumentError:  # a currency whose cents the API does not explain
        return f"{cents} cents"


def plain(text: object) -> str:
    """Return a text of the server without characters that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


if __name__ == "__main__":
    main()
