"""Mirror accounts and their transactions into a SQLite database, and keep it in step.

    TESOTE_SDK_API_KEY=... python mirror_to_sqlite.py bank.db

The first run fetches everything, each later one only the news. Run it from cron, or whenever a
webhook says that there are updates. It may be killed at any moment, and run twice at once.

Exit codes: 0, everything is in step; 1, it is but for the accounts that the messages name, and
running it again goes on where they stopped; 2, nothing could be done.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from contextlib import closing
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Callable

from tesote_sdk import (
    ConfigError,
    HistorySyncForbiddenError,
    InvalidArgumentError,
    InvalidCursorError,
    MutationDuringPaginationError,
    RateLimiter,
    TesoteError,
    UnauthorizedError,
    V2Client,
    WorkspaceSuspendedError,
)

if TYPE_CHECKING:
    from tesote_sdk.types import Account, SyncDelta, SyncTransaction

MAX_CONFLICTS = 5
CONFLICT_PAUSE = 0.5  # seconds before the first new try, and twice as long before each next one
LOCK_TIMEOUT = 30.0  # seconds to wait for another process that writes to the database
LARGEST_INTEGER = 2**63 - 1  # of SQLite

# Amounts are whole cents: SUM() adds integers exactly, where text and REAL would be added as binary
# fractions. Columns that you add keep what you put into them.
TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    id                      TEXT NOT NULL PRIMARY KEY,
    name                    TEXT NOT NULL,
    bank                    TEXT,
    owner                   TEXT,
    masked_number           TEXT,
    currency                TEXT NOT NULL,
    balance_cents           INTEGER, -- NULL: the workspace does not show balances
    available_balance_cents INTEGER,
    current_as_of           TEXT     -- how fresh the bank's data is; NULL: never fetched
);
CREATE TABLE IF NOT EXISTS transactions (
    id           TEXT NOT NULL PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    date         TEXT NOT NULL,    -- YYYY-MM-DD
    amount_cents INTEGER NOT NULL, -- negative: money out
    currency     TEXT NOT NULL,
    description  TEXT,
    counterparty TEXT,
    pending      INTEGER NOT NULL, -- 1: it may still change or go away
    categories   TEXT NOT NULL     -- a JSON list of names
);
CREATE INDEX IF NOT EXISTS transactions_by_date ON transactions (account_id, date);
CREATE TABLE IF NOT EXISTS cursors (
    account_id    TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
    cursor        TEXT NOT NULL,   -- up to where the account's changes are in `transactions`
    whole_history INTEGER NOT NULL -- 0: only what happened since the first run
);
"""

# ON CONFLICT needs SQLite 3.24, of 2018.
STORE_ACCOUNT = """
INSERT INTO accounts (
    id, name, bank, owner, masked_number, currency,
    balance_cents, available_balance_cents, current_as_of
) VALUES (
    :id, :name, :bank, :owner, :masked_number, :currency,
    :balance_cents, :available_balance_cents, :current_as_of
)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, bank = excluded.bank, owner = excluded.owner,
    masked_number = excluded.masked_number, currency = excluded.currency,
    balance_cents = excluded.balance_cents,
    available_balance_cents = excluded.available_balance_cents,
    current_as_of = excluded.current_as_of
"""
STORE_TRANSACTION = """
INSERT INTO transactions (
    id, account_id, date, amount_cents, currency,
    description, counterparty, pending, categories
) VALUES (
    :id, :account_id, :date, :amount_cents, :currency,
    :description, :counterparty, :pending, :categories
)
ON CONFLICT (id) DO UPDATE SET
    account_id = excluded.account_id, date = excluded.date, amount_cents = excluded.amount_cents,
    currency = excluded.currency, description = excluded.description,
    counterparty = excluded.counterparty, pending = excluded.pending,
    categories = excluded.categories
"""
STORE_CURSOR = """
INSERT INTO cursors (account_id, cursor, whole_history) VALUES (?, ?, ?)
ON CONFLICT (account_id) DO UPDATE SET cursor = excluded.cursor
"""


# What is wrong for one account is then wrong for all.
WRONG_FOR_ALL = (ConfigError, InvalidArgumentError, UnauthorizedError, WorkspaceSuspendedError)


class UnusableDataError(Exception):
    """The API sent something that the tables have no place for."""


# --- from what the API sends to rows ----------------------------------------------------------


def account_row(account: Account) -> dict[str, Any]:
    try:
        data = account["data"]
        return {
            "id": account["id"],
            "name": account["name"],
            "bank": account["bank"]["name"],
            "owner": account["legal_entity"] and account["legal_entity"]["legal_name"],
            "masked_number": data["masked_account_number"],
            "currency": data["currency"],
            # Servers were seen to show balances in either place.
            "balance_cents": integer(data.get("balance_cents", account.get("balance_cents"))),
            "available_balance_cents": integer(
                data.get("available_balance_cents", account.get("available_balance_cents"))
            ),
            "current_as_of": data["transactions_data_current_as_of"],
        }
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise UnusableDataError(f"the account cannot be stored: {error!r}") from error


def transaction_row(account_id: str, sent: SyncTransaction) -> dict[str, Any]:
    try:
        return {
            "id": sent["transaction_id"],
            "account_id": account_id,
            "date": sent["date"][:10],  # a whole timestamp is possible
            "amount_cents": integer(Fraction(sent["amount"]) * 100),
            "currency": sent["iso_currency_code"],
            "description": sent["name"],
            "counterparty": sent.get("merchant_name"),
            "pending": int(sent["pending"]),
            "categories": json.dumps(sent["category"], ensure_ascii=False),
        }
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        transaction_id = sent["transaction_id"]
        raise UnusableDataError(f"{transaction_id} cannot be stored: {error!r}") from error


def integer(value: str | int | Fraction | None) -> int | None:
    """Return cents as an int that SQLite holds, and never a rounded one."""
    if value is None:
        return None
    exact = Fraction(value)
    if exact.denominator != 1 or abs(exact) > LARGEST_INTEGER:
        raise ValueError("an amount is no whole number of cents, or has more than 64 bits")
    return exact.numerator


# --- the database -----------------------------------------------------------------------------


def open_database(path: str) -> sqlite3.Connection:
    # isolation_level=None: a transaction begins where this program says so, and nowhere else.
    database = sqlite3.connect(path, timeout=LOCK_TIMEOUT, isolation_level=None)
    try:
        database.executescript(TABLES)
    except BaseException:
        database.close()
        raise
    return database


def stored_cursor(database: sqlite3.Connection, account_id: str) -> str | None:
    found = database.execute("SELECT cursor FROM cursors WHERE account_id = ?", (account_id,))
    row = found.fetchone()
    return None if row is None else row[0]


def store_delta(
    database: sqlite3.Connection,
    account_id: str,
    delta: SyncDelta,
    *,
    expected_cursor: str | None,
    whole_history: bool,
) -> bool:
    """Store a page and the cursor behind it: both, or neither.

    `expected_cursor` is what was stored when the page was asked for. Returns False, having changed
    nothing, where another process has stored a later one since: the page is old then, and would
    bring back what is gone.
    """
    removed = [(each["transaction_id"], account_id) for each in delta["removed"]]
    changed = (*delta["modified"], *delta["added"])
    upserted = [transaction_row(account_id, each) for each in changed]
    with database:  # commits at the end, and rolls back where anything is raised
        # IMMEDIATE takes the write lock before the cursor is read, so that it stays what it is.
        database.execute("BEGIN IMMEDIATE")
        if stored_cursor(database, account_id) != expected_cursor:
            return False
        # Removed, then modified, then added: the order that the API asks for.
        database.executemany("DELETE FROM transactions WHERE id = ? AND account_id = ?", removed)
        database.executemany(STORE_TRANSACTION, upserted)
        if delta["next_cursor"]:  # where there is none, the one before stays good
            database.execute(STORE_CURSOR, (account_id, delta["next_cursor"], whole_history))
    return True


# --- from the API to the database -------------------------------------------------------------


def mirror_account(
    client: V2Client,
    database: sqlite3.Connection,
    account: Account,
    count: int,
    on_page: Callable[[SyncDelta], object],
) -> None:
    """Fetch and store what changed in an account since its stored cursor, page by page.

    The database is never locked while a request is under way.
    """
    account_id = account["id"]
    database.execute(STORE_ACCOUNT, account_row(account))
    whole_history = True
    conflicts = 0
    while True:
        cursor = stored_cursor(database, account_id)
        # None asks for everything, "now" for what happens from this moment on.
        start = cursor if cursor is not None or whole_history else "now"
        try:
            for delta in client.transactions.iter_sync(account_id, cursor=start, count=count):
                if not store_delta(
                    database,
                    account_id,
                    delta,
                    expected_cursor=cursor,
                    whole_history=whole_history,
                ):
                    break  # Another process is ahead: go on from where it is.
                cursor = delta["next_cursor"]
                conflicts = 0
                on_page(delta)
            else:
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
            time.sleep(CONFLICT_PAUSE * 2 ** (conflicts - 1))


def mirror(
    client: V2Client, database: sqlite3.Connection, wanted: list[str], count: int
) -> tuple[str, bool]:
    """Mirror the accounts of these ids, or all there are.

    Returns a summary, and whether everything is in step.
    """
    say("asking for the accounts")
    accounts = list(client.accounts.list(per_page=100))
    chosen = [account for account in accounts if not wanted or account["id"] in wanted]
    changes = {"added": 0, "modified": 0, "removed": 0}
    missing = set(wanted) - {account["id"] for account in chosen}
    failed = len(missing)
    for account_id in sorted(missing):
        say(f"{account_id}: FAILED: no such account, or not one that the key may see")
    for place, account in enumerate(chosen, 1):
        title = f"{place}/{len(chosen)} {account.get('name', account['id'])}"

        def on_page(delta: SyncDelta, title: str = title) -> None:
            page = {
                "added": len(delta["added"]),
                "modified": len(delta["modified"]),
                "removed": len(delta["removed"]),
            }
            for kind, number in page.items():
                changes[kind] += number
            say(f"{title}: {counted(page)}")

        try:
            mirror_account(client, database, account, count, on_page)
        except WRONG_FOR_ALL:
            raise
        except (TesoteError, UnusableDataError, sqlite3.IntegrityError) as error:
            failed += 1
            say(f"{title}: FAILED: {explain(error, account['id'])}")
    (stored,) = database.execute("SELECT count(*) FROM transactions").fetchone()
    summary = (
        f"{len(chosen) + len(missing) - failed} accounts in step, {failed} failed; "
        f"transactions: {counted(changes)}, {stored} in the database"
    )
    (partial,) = database.execute("SELECT sum(NOT whole_history) FROM cursors").fetchone()
    if partial:
        summary += f"; {partial} accounts lack what was before their first run"
    return summary, not failed


def counted(changes: dict[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in changes.items())


def explain(error: Exception, account_id: str) -> str:
    """Say what is wrong, and what to do about it where there is something to do."""
    if not isinstance(error, InvalidCursorError):
        return str(error)
    # Starting over unasked would keep the transactions that were removed since.
    return (
        f"{error}. The stored cursor is as it was. To fetch the account anew, run this on the "
        f"database: DELETE FROM transactions WHERE account_id = '{account_id}'; "
        f"DELETE FROM cursors WHERE account_id = '{account_id}';"
    )


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Mirror accounts and transactions into a SQLite database."
    )
    parser.add_argument("database", help="the database's file, made if it is not there")
    parser.add_argument(
        "--count", type=int, default=500, help="changes a page, 1 to 1000 (%(default)s)"
    )
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="ID",
        help="mirror this account, not all; may be given several times",
    )
    chosen = parser.parse_args(arguments)
    try:
        # Decimal keeps amounts exact; the limiter slows a long run down before it meets a 429.
        with (
            closing(open_database(chosen.database)) as database,
            V2Client(parse_float=Decimal, rate_limiter=RateLimiter()) as client,
        ):
            summary, in_step = mirror(client, database, chosen.account, chosen.count)
    except (TesoteError, sqlite3.Error) as error:
        say(f"stopped: {error}")
        return 2
    except KeyboardInterrupt:
        say("interrupted; what is stored is whole")
        return 130
    print(summary)
    return 0 if in_step else 1


if __name__ == "__main__":
    sys.exit(main())
