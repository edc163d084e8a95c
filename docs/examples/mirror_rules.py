"""The rules by which mirror_to_sqlite.py and mirror_to_postgres.py keep a database in step.

Here stands what does not depend on the database: how an account's changes are followed, what the
API's objects become, which of them are refused, and how the programs speak. Keep this file beside
the program.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from tesote_sdk import (
    ConfigError,
    HistorySyncForbiddenError,
    InvalidCursorError,
    MutationDuringPaginationError,
    UnauthorizedError,
    V2Client,
    WorkspaceSuspendedError,
)

if TYPE_CHECKING:
    from tesote_sdk.types import Account, SyncDelta, SyncTransaction

MAX_CONFLICTS = 5
CONFLICT_PAUSE = 0.5  # seconds before the first new try, and twice as long before each next one
MAX_DIGITS = 40  # before the decimal point, and behind it: no money has more
MAX_CENTS = 2**63 - 1  # what a 64-bit integer holds

# What is wrong for one account is then wrong for all.
WRONG_FOR_ALL = (ConfigError, UnauthorizedError, WorkspaceSuspendedError)


class UnusableDataError(Exception):
    """The API sent something that the tables have no place for."""


class OvertakenError(Exception):
    """Another process has stored a later page of the account, so this one is old."""


# --- following an account ---------------------------------------------------------------------


class Changes(NamedTuple):
    """A page of an account's changes, to be stored together with its cursor, or not at all."""

    removed: list[str]  # delete these ids first,
    rows: list[dict[str, Any]]  # then insert or replace these, each id once
    after: str | None  # the stored cursor that this page follows; None: none is stored
    cursor: str | None  # the cursor to store; None: still none
    whole_history: bool  # False: the account's past was not to be had
    is_last: bool
    counts: dict[str, int]  # what the page held, to be shown


def follow(
    client: V2Client,
    account_id: str,
    cursor: str | None,
    store: Callable[[Changes], object],
    *,
    count: int,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Fetch what changed in an account since its stored cursor, and have each page stored.

    `store` raises OvertakenError, having changed nothing, where the cursor in the database is not
    `changes.after`.
    """
    whole_history = True
    conflicts = 0
    while True:
        # None asks for everything, "now" for what happens from this moment on.
        start = cursor if cursor is not None or whole_history else "now"
        try:
            for delta in client.transactions.iter_sync(account_id, cursor=start, count=count):
                if start == "now" and delta["next_cursor"] is None:
                    # The next run would begin at "now" again, and miss what happened meanwhile.
                    raise UnusableDataError("the server sent no cursor to go on from")
                changes = read_changes(account_id, delta, cursor, whole_history)
                store(changes)
                cursor = changes.cursor
                conflicts = 0
            return
        except HistorySyncForbiddenError:
            # After a stored cursor, "now" would leave a gap that nobody hears of.
            if cursor is not None or start == "now":
                raise
            whole_history = False
        except MutationDuringPaginationError:
            # The data moved while it was read. What is stored is good: go on from its cursor.
            conflicts += 1
            if conflicts == MAX_CONFLICTS:
                raise
            pause(CONFLICT_PAUSE * 2 ** (conflicts - 1))


def read_changes(
    account_id: str, delta: SyncDelta, after: str | None, whole_history: bool
) -> Changes:
    # Removed, then modified, then added is the order that the API asks for: the last one counts.
    rows = [transaction_row(account_id, each) for each in (*delta["modified"], *delta["added"])]
    return Changes(
        removed=[identifier(each["transaction_id"]) for each in delta["removed"]],
        rows=list({row["id"]: row for row in rows}.values()),
        after=after,
        cursor=delta["next_cursor"] or after,  # where none is sent, the one before stays good
        whole_history=whole_history,
        is_last=not delta["has_more"],
        counts={name: len(delta[name]) for name in ("added", "modified", "removed")},
    )


# --- what the API's objects become ------------------------------------------------------------


def account_row(account: Account) -> dict[str, Any]:
    try:
        data = account["data"]
        return {
            "id": identifier(account["id"]),
            "name": text(account["name"]),
            "bank": optional_text(account["bank"]["name"]),
            "owner": optional_text(
                account["legal_entity"] and account["legal_entity"]["legal_name"]
            ),
            "masked_number": optional_text(data["masked_account_number"]),
            "currency": text(data["currency"]),
            # Servers were seen to show balances in either place.
            "balance_cents": whole(data.get("balance_cents", account.get("balance_cents"))),
            "available_balance_cents": whole(
                data.get("available_balance_cents", account.get("available_balance_cents"))
            ),
            "current_as_of": optional_text(data["transactions_data_current_as_of"]),
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnusableDataError(f"the account cannot be stored: {reason(error)}") from error


def transaction_row(account_id: str, sent: SyncTransaction) -> dict[str, Any]:
    try:
        return {
            "id": identifier(sent["transaction_id"]),
            "account_id": account_id,
            # A whole timestamp is possible.
            "date": date.fromisoformat(text(sent["date"])[:10]).isoformat(),
            "amount": amount(sent["amount"]),
            "currency": text(sent["iso_currency_code"]),
            "description": optional_text(sent["name"]),
            "counterparty": optional_text(sent.get("merchant_name")),
            "pending": flag(sent["pending"]),
            "categories": [text(each) for each in sent["category"]],
        }
    except (KeyError, TypeError, ValueError) as error:
        named = sent["transaction_id"]
        raise UnusableDataError(f"{named!s:.80} cannot be stored: {reason(error)}") from error


def amount(sent: object) -> Decimal:
    """Return an amount exactly as it was sent.

    A Decimal with a huge exponent is small, and so is its text. Reckoning with it, or storing it,
    can take all the memory there is, so this looks at the digits before anything is reckoned.
    """
    if isinstance(sent, bool) or not isinstance(sent, (int, str, Decimal)):
        raise ValueError(f"an amount is no exact number but a {type(sent).__name__}")
    try:
        exact = Decimal(sent)
    except InvalidOperation:
        raise ValueError("an amount is no number") from None
    if not exact.is_finite():
        raise ValueError("an amount is no finite number")
    _, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    if len(digits) + exponent > MAX_DIGITS or not -MAX_DIGITS <= exponent <= MAX_DIGITS:
        raise ValueError(f"an amount has more than {MAX_DIGITS} digits on one side of the point")
    return exact


def whole(sent: object) -> int | None:
    if sent is None:
        return None
    numerator, denominator = amount(sent).as_integer_ratio()
    if denominator != 1 or abs(numerator) > MAX_CENTS:
        raise ValueError("a balance is no whole number of cents, or has more than 64 bits")
    return numerator


def text(sent: object) -> str:
    """Return a text that databases take.

    PostgreSQL stores no NUL, and neither database half a surrogate pair, which is what is left of
    an emoji that was cut in two. Each becomes U+FFFD: no transaction is left out for its looks.
    """
    if not isinstance(sent, str):
        raise ValueError(f"a text is a {type(sent).__name__}")
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if each == "\0" or "\ud800" <= each <= "\udfff" else each
        for each in sent
    )


def optional_text(sent: object) -> str | None:
    return None if sent is None else text(sent)


def identifier(sent: object) -> str:
    if not isinstance(sent, str) or sent in ("", ".", "..") or text(sent) != sent:
        raise UnusableDataError(f"an id cannot be stored: {sent!r:.80}")
    return sent


def flag(sent: object) -> bool:
    if not isinstance(sent, bool):
        raise ValueError(f"true or false is a {type(sent).__name__}")
    return sent


def reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


# --- how the programs speak -------------------------------------------------------------------


def say(line: str) -> None:
    """Print a line of progress; whatever a server put into it, it is one line of plain text."""
    shown = " ".join(line.split())
    printable = (each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in shown)
    print("".join(printable), file=sys.stderr, flush=True)


def counted(changes: dict[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in changes.items())


def explain(error: Exception) -> str:
    """Say what is wrong with an account, and what to do where there is something to do."""
    if not isinstance(error, InvalidCursorError):
        return str(error)
    # Starting over unasked would keep the transactions that were removed since.
    return (
        f"{error}. The stored cursor is as it was. To delete what is stored of this account and "
        "fetch it anew, run this again with --anew and the account's id"
    )


def parse_arguments(
    parser: argparse.ArgumentParser, arguments: list[str] | None
) -> argparse.Namespace:
    """Parse what both programs take, along with what the parser has of its own."""
    parser.add_argument(
        "--count", type=page_size, default=500, help="changes a page, 1 to 1000 (%(default)s)"
    )
    parser.add_argument(
        "--anew",
        metavar="ID",
        help="first forget what is stored of this account, for a cursor that the API refuses",
    )
    return parser.parse_args(arguments)


def page_size(argument: str) -> int:
    if not argument.isdecimal() or not 1 <= int(argument) <= 1000:
        raise argparse.ArgumentTypeError(f"{argument!r} is no number from 1 to 1000")
    return int(argument)
