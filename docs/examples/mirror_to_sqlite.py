"""Mirror accounts and their transactions into a SQLite database, and keep it in step.

    python mirror_to_sqlite.py

Without arguments and without an API key this is a demonstration: it starts a sandbox on this
machine and mirrors that into a database that is thrown away. With a key it is for use:

    TESOTE_SDK_API_KEY=... python mirror_to_sqlite.py bank.db

The first run fetches everything, each later one only the news. Run it from cron, or whenever a
webhook says that there are updates. It may be killed at any moment, and run twice at once. Where
several machines share one database, mirror_to_postgres.py is the one to take. Both need
mirror_rules.py beside them.

Exit codes: 0, everything is in step; 1, it is but for the accounts that the messages name, and
running it again goes on where they stopped; 2, nothing could be done, or not all.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from mirror_rules import (
    MAX_CENTS,
    WRONG_FOR_ALL,
    Changes,
    OvertakenError,
    UnusableDataError,
    account_row,
    counted,
    explain,
    follow,
    parse_arguments,
    say,
)

from tesote_sdk import RateLimiter, TesoteError, V2Client

if TYPE_CHECKING:
    from tesote_sdk.types import Account

LOCK_TIMEOUT = 30.0  # seconds to wait for another process that writes to the database

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


# --- the database -----------------------------------------------------------------------------


def open_database(path: str) -> sqlite3.Connection:
    """Open the database, and make it where it is not there: for nobody else to read.

    SQLite gives its journal the mode of the database.
    """
    file = Path(path).absolute()  # so that ":memory:" is a name like any other
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    # isolation_level=None: a transaction begins where this program says so, and nowhere else.
    database = sqlite3.connect(file, timeout=LOCK_TIMEOUT, isolation_level=None)
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


def store_changes(database: sqlite3.Connection, account_id: str, changes: Changes) -> None:
    """Store a page and the cursor behind it: both, or neither.

    Raises OvertakenError where another process has stored a later cursor since the page was asked
    for: the page is old then, and would bring back what is gone.
    """
    removed = [(each, account_id) for each in changes.removed]
    rows = [stored_form(row) for row in changes.rows]
    with database:  # commits at the end, and rolls back where anything is raised
        # IMMEDIATE takes the write lock before the cursor is read, so that it stays what it is.
        database.execute("BEGIN IMMEDIATE")
        if stored_cursor(database, account_id) != changes.after:
            raise OvertakenError
        database.executemany("DELETE FROM transactions WHERE id = ? AND account_id = ?", removed)
        database.executemany(STORE_TRANSACTION, rows)
        if changes.cursor is not None:
            database.execute(STORE_CURSOR, (account_id, changes.cursor, changes.whole_history))


def stored_form(row: dict[str, Any]) -> dict[str, Any]:
    """Return a transaction as the table has it: SQLite knows neither exact decimals nor lists."""
    numerator, denominator = row["amount"].as_integer_ratio()
    amount_cents, rest = divmod(numerator * 100, denominator)
    if rest or abs(amount_cents) > MAX_CENTS:
        raise UnusableDataError(
            f"{row['id']} cannot be stored: its amount is no whole number of cents of 64 bits"
        )
    categories = json.dumps(row["categories"], ensure_ascii=False)
    return {**row, "amount_cents": amount_cents, "categories": categories}


def forget(database: sqlite3.Connection, account_id: str) -> bool:
    """Delete an account's transactions and its cursor; False where there are none."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        deleted = [
            database.execute(f"DELETE FROM {table} WHERE account_id = ?", (account_id,)).rowcount
            for table in ("transactions", "cursors")
        ]
    return any(deleted)


# --- from the API to the database -------------------------------------------------------------


def mirror_account(
    client: V2Client,
    database: sqlite3.Connection,
    account: Account,
    count: int,
    on_page: Callable[[dict[str, int]], object],
) -> None:
    """Bring an account in step. The database is never locked while a request is under way."""
    account_id = account["id"]
    database.execute(STORE_ACCOUNT, account_row(account))

    def store(changes: Changes) -> None:
        store_changes(database, account_id, changes)
        on_page(changes.counts)

    while True:
        cursor = stored_cursor(database, account_id)
        try:
            return follow(client, account_id, cursor, store, count=count)
        except OvertakenError:
            continue  # Another process is ahead: go on from where it is.


def mirror(
    client: V2Client, database: sqlite3.Connection, wanted: list[str], count: int
) -> tuple[str, bool]:
    """Mirror the accounts of these ids, or all there are.

    Returns a summary, and whether everything is in step.
    """
    say("asking for the accounts")
    accounts = list(client.accounts.list(per_page=100))
    chosen = [account for account in accounts if not wanted or account["id"] in wanted]
    totals = {"added": 0, "modified": 0, "removed": 0}
    found = [account["id"] for account in chosen]
    missing = [each for each in wanted if each not in found]
    failed = len(missing)
    for account_id in missing:
        say(f"{account_id}: FAILED: no such account, or not one that the key may see")
    for place, account in enumerate(chosen, 1):
        title = f"{place}/{len(chosen)} {account.get('name')} ({account['id']})"

        def on_page(counts: dict[str, int], title: str = title) -> None:
            for kind, number in counts.items():
                totals[kind] += number
            say(f"{title}: {counted(counts)}")

        try:
            mirror_account(client, database, account, count, on_page)
        except WRONG_FOR_ALL:
            raise
        except (TesoteError, UnusableDataError, sqlite3.IntegrityError) as error:
            failed += 1
            say(f"{title}: FAILED: {explain(error)}")
    (stored,) = database.execute("SELECT count(*) FROM transactions").fetchone()
    summary = (
        f"{len(chosen) + len(missing) - failed} accounts in step, {failed} failed; "
        f"transactions: {counted(totals)}, {stored} in the database"
    )
    (partial,) = database.execute("SELECT sum(NOT whole_history) FROM cursors").fetchone()
    if partial:
        summary += f"; {partial} accounts lack what was before their first run"
    return summary, not failed


# --- the program ------------------------------------------------------------------------------


def demonstrate() -> None:
    """Mirror a sandbox twice, with something happening at the bank in between."""
    from tesote_sdk.sandbox import Sandbox

    print("No arguments and no TESOTE_SDK_API_KEY: this mirrors the invented bank of a sandbox.")
    with tempfile.TemporaryDirectory() as folder, Sandbox(accounts=3) as sandbox:
        path = str(Path(folder) / "bank.db")
        with (
            closing(open_database(path)) as database,
            V2Client(sandbox.api_key, base_url=sandbox.url, parse_float=Decimal) as client,
        ):
            print(mirror(client, database, [], 500)[0])
            print("One transaction is posted at the bank, and the mirror runs again.")
            sandbox.post_transaction(sandbox.account_ids[0], amount_cents=-1999)
            print(mirror(client, database, [], 500)[0])


def run(chosen: argparse.Namespace) -> int:
    # Decimal keeps amounts exact; the limiter slows a long run down before it meets a 429.
    with (
        closing(open_database(chosen.database)) as database,
        V2Client(parse_float=Decimal, rate_limiter=RateLimiter()) as client,
    ):
        if chosen.anew and not forget(database, chosen.anew):
            say(f"nothing is stored of an account {chosen.anew}")
        summary, in_step = mirror(client, database, chosen.account, chosen.count)
    print(summary)
    return 0 if in_step else 1


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Mirror accounts and transactions into a SQLite database."
    )
    parser.add_argument("database", help="the database's file, made if it is not there")
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="ID",
        help="mirror this account, not all; may be given several times",
    )
    try:
        if not (sys.argv[1:] if arguments is None else arguments) and not os.environ.get(
            "TESOTE_SDK_API_KEY"
        ):
            demonstrate()
            return 0
        return run(parse_arguments(parser, arguments))
    except (TesoteError, sqlite3.Error, OSError) as error:
        say(f"stopped: {error}. What is stored is whole; running this again goes on from there")
        return 2
    except KeyboardInterrupt:
        say("interrupted; what is stored is whole")
        return 130


if __name__ == "__main__":
    sys.exit(main())
