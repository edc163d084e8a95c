"""The database of mirror_to_postgres.py: its tables, and the claims that workers have on them.

An account is claimed by a lock on its row of tesote.progress, which a transaction holds from before
a page is asked for until the page is stored along with its cursor. So the lock ends with its
worker, and who has lost it cannot store anything any more. A worker that stalls, or whose machine
is gone without a word, keeps it until the limit of an idle transaction: then the database ends its
session. The database's clock is the only one that counts.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from mirror_rules import Changes, OvertakenError, say

try:
    import psycopg
    from psycopg.types.json import Jsonb
except ImportError as error:
    say(f'this program needs psycopg 3: pip install "psycopg[binary]" ({error})')
    sys.exit(2)

if TYPE_CHECKING:
    from datetime import datetime

LOCK_LIMIT, STATEMENT_LIMIT = 10_000, 60_000  # milliseconds

# A restart of the database, a lock that is not to be had, a claim that lasted too long.
SESSION_LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
# A row that this database cannot hold.
ROW_REFUSED = (psycopg.DataError, psycopg.IntegrityError)

# Two workers that make the same table at once would get in each other's way.
LOCK_TABLES = "SELECT pg_advisory_xact_lock(hashtext('mirror_to_postgres'))"
# Columns that you add keep what you put into them.
TABLES = """
CREATE SCHEMA IF NOT EXISTS tesote;
CREATE TABLE IF NOT EXISTS tesote.accounts (
    id                text PRIMARY KEY,
    name              text NOT NULL,
    bank              text,
    owner             text,
    masked_number     text,
    currency          text NOT NULL,
    balance           numeric,     -- currency units; NULL: the workspace does not show balances
    available_balance numeric,
    current_as_of     timestamptz, -- how fresh the bank's data is; NULL: never fetched
    listed_at         timestamptz NOT NULL -- when the API last had it in its list
);
CREATE TABLE IF NOT EXISTS tesote.transactions (
    id           text PRIMARY KEY,
    account_id   text NOT NULL REFERENCES tesote.accounts,
    date         date NOT NULL,
    amount       numeric NOT NULL, -- currency units, as sent; negative: money out
    currency     text NOT NULL,
    description  text,
    counterparty text,
    pending      boolean NOT NULL, -- it may still change or go away
    categories   text[] NOT NULL
);
CREATE INDEX IF NOT EXISTS transactions_by_date ON tesote.transactions (account_id, date);
CREATE TABLE IF NOT EXISTS tesote.progress (
    account_id    text PRIMARY KEY REFERENCES tesote.accounts,
    cursor        text,        -- up to where the changes are in tesote.transactions; NULL: no page
    whole_history boolean NOT NULL DEFAULT true, -- false: only what happened since the first run
    checked_at    timestamptz, -- everything that the API had then is stored, or there is a problem
    problem       text         -- why the account is not in step; NULL: it is
);
CREATE TABLE IF NOT EXISTS tesote.listing (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    listed_at timestamptz NOT NULL DEFAULT '-infinity',
    problem   text
);
INSERT INTO tesote.listing DEFAULT VALUES ON CONFLICT DO NOTHING;
"""

# SET LOCAL ends with the transaction, so this works behind a pooler too.
BEGIN = """
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL idle_in_transaction_session_timeout = %(stall)s;
SET LOCAL lock_timeout = %(lock)s;
SET LOCAL statement_timeout = %(statement)s
"""
CLAIM_LISTING = """
SELECT 1 FROM tesote.listing WHERE listed_at < %(due)s FOR UPDATE SKIP LOCKED
"""
STORE_ACCOUNTS = """
INSERT INTO tesote.accounts (
    id, name, bank, owner, masked_number, currency,
    balance, available_balance, current_as_of, listed_at
)
SELECT sent.*, now() FROM jsonb_to_recordset(%(rows)s) AS sent (
    id text, name text, bank text, owner text, masked_number text, currency text,
    balance numeric, available_balance numeric, current_as_of timestamptz
)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, bank = excluded.bank, owner = excluded.owner,
    masked_number = excluded.masked_number, currency = excluded.currency,
    balance = excluded.balance, available_balance = excluded.available_balance,
    current_as_of = excluded.current_as_of, listed_at = excluded.listed_at
"""
END_LISTING = """
INSERT INTO tesote.progress (account_id)
    SELECT id FROM tesote.accounts WHERE listed_at = now() ON CONFLICT DO NOTHING;
UPDATE tesote.listing SET listed_at = now(), problem = %(problem)s
"""
LISTED = """
FROM tesote.progress JOIN tesote.accounts ON accounts.id = progress.account_id
WHERE accounts.listed_at = (SELECT listed_at FROM tesote.listing)
"""
DUE = f"{LISTED} AND coalesce(checked_at, '-infinity') < %(due)s"
ANYTHING_DUE = f"""
SELECT EXISTS (SELECT 1 FROM tesote.listing WHERE listed_at < %(due)s)
    OR EXISTS (SELECT 1 {DUE})
"""
CLAIM_ANY = f"""
SELECT account_id, name, cursor {DUE} ORDER BY checked_at NULLS FIRST, account_id LIMIT 1
FOR UPDATE OF progress SKIP LOCKED
"""
CLAIM = """
SELECT 1 FROM tesote.progress
WHERE account_id = %(account_id)s AND cursor IS NOT DISTINCT FROM %(cursor)s
FOR UPDATE SKIP LOCKED
"""
STORE_CHANGES = """
DELETE FROM tesote.transactions
WHERE account_id = %(account_id)s AND id IN (SELECT jsonb_array_elements_text(%(removed)s));

INSERT INTO tesote.transactions (
    id, account_id, date, amount, currency, description, counterparty, pending, categories
)
SELECT sent.* FROM jsonb_to_recordset(%(rows)s) AS sent (
    id text, account_id text, date date, amount numeric, currency text,
    description text, counterparty text, pending boolean, categories text[]
)
ORDER BY id -- as everybody does, so that no two workers wait for each other
ON CONFLICT (id) DO UPDATE SET
    account_id = excluded.account_id, date = excluded.date, amount = excluded.amount,
    currency = excluded.currency, description = excluded.description,
    counterparty = excluded.counterparty, pending = excluded.pending,
    categories = excluded.categories;

UPDATE tesote.progress SET
    whole_history = CASE WHEN cursor IS NULL THEN %(whole_history)s ELSE whole_history END,
    cursor = %(cursor)s,
    checked_at = CASE WHEN %(is_last)s THEN now() ELSE checked_at END,
    problem = NULL
WHERE account_id = %(account_id)s
"""
STORE_PROBLEM = """
UPDATE tesote.progress SET checked_at = now(), problem = %(problem)s
WHERE account_id = %(account_id)s
"""
FORGET_CURSOR = """
UPDATE tesote.progress SET cursor = NULL, whole_history = true, checked_at = NULL
WHERE account_id = %(account_id)s RETURNING 1
"""
FORGET_TRANSACTIONS = "DELETE FROM tesote.transactions WHERE account_id = %(account_id)s"
REPORT = f"""
SELECT count(*) FILTER (WHERE problem IS NULL), count(*) FILTER (WHERE problem IS NOT NULL),
    count(*) FILTER (WHERE NOT whole_history), (SELECT problem FROM tesote.listing)
{LISTED}
"""
PROBLEMS = f"SELECT name, id, problem {LISTED} AND problem IS NOT NULL ORDER BY name, id"


class Claim(NamedTuple):
    """An account that nobody else may work on until the transaction ends."""

    account_id: str
    name: str
    cursor: str | None


class Report(NamedTuple):
    """How the accounts that the API lists stand."""

    in_step: int
    failed: int
    partial: int  # those whose past was not to be had
    not_stored: str | None  # the accounts that have no row, and why
    problems: list[tuple[str, str, str]]  # name, id and problem of those that failed


class Database:
    """A session of the database, and the claim that it holds, if any."""

    def __init__(self, conninfo: str, stall: float) -> None:
        # ClientCursor sends a statement as one message. While the server waits for the rest of a
        # message, the limit of an idle transaction counts; it does not between two messages of one
        # statement, where a stalled worker would keep its claim for ever.
        self._session = psycopg.connect(
            conninfo,
            autocommit=True,  # a transaction begins where this class says so
            cursor_factory=psycopg.ClientCursor,
            application_name="mirror_to_postgres",
            client_encoding="utf-8",
            # A database that is gone without a word is noticed within a minute.
            connect_timeout=10,
            keepalives_idle=20,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=60_000,
        )
        self._limits = {
            "stall": round(stall * 1000),
            "lock": LOCK_LIMIT,
            "statement": STATEMENT_LIMIT,
        }

    def close(self) -> None:
        """End the session, and any claim with it."""
        self._session.close()

    def make_tables(self) -> None:
        """Make the tables that are not there; a role that may make none can use those that are."""
        if self._row("SELECT to_regclass('tesote.listing')") != (None,):
            return
        self._begin()
        self._session.execute(LOCK_TABLES)
        self._session.execute(TABLES)
        self._commit()

    def moment_ago(self, seconds: float) -> datetime:
        """Return the moment that lies so far back, by the database's clock."""
        row = self._row("SELECT now() - make_interval(secs => %(seconds)s)", seconds=seconds)
        assert row is not None
        moment: datetime = row[0]
        return moment

    def anything_due(self, due: datetime) -> bool:
        """Whether anything was not looked at since that moment, claimed or not."""
        return self._row(ANYTHING_DUE, due=due) == (True,)

    def claim_listing(self, due: datetime) -> bool:
        """Claim the list of the accounts; False where it is not due, or is being made."""
        self._begin()
        if self._row(CLAIM_LISTING, due=due) is None:
            self._session.rollback()
            return False
        return True

    def store_accounts(self, rows: list[dict[str, Any]]) -> None:
        """Store a page of the list, which is to be ended with `end_listing`."""
        self._session.execute(STORE_ACCOUNTS, {"rows": Jsonb(rows)})

    def end_listing(self, not_stored: str | None) -> None:
        """End the list, with what has no row and why."""
        self._session.execute(END_LISTING, {"problem": not_stored})
        self._commit()

    def claim_any(self, due: datetime) -> Claim | None:
        """Claim the account that was not looked at for longest, of those that are free and due."""
        self._begin()
        row = self._row(CLAIM_ANY, due=due)
        if row is None:
            self._session.rollback()
            return None
        return Claim(*row)

    def claim_again(self, account_id: str, cursor: str | None) -> None:
        """Claim an account for its next page.

        Raises OvertakenError where another worker has it, or has gone further.
        """
        self._session.rollback()
        self._begin()
        if self._row(CLAIM, account_id=account_id, cursor=cursor) is None:
            self._session.rollback()
            raise OvertakenError

    def keep_claim(self) -> None:
        """Begin the time anew that a claim lasts while its worker does nothing."""
        self._session.execute("SELECT 1")

    def store_changes(self, account_id: str, changes: Changes) -> None:
        """Store a page and the cursor behind it, both or neither, and with that end the claim."""
        values = {
            "account_id": account_id,
            "removed": Jsonb(changes.removed),
            "rows": Jsonb([{**row, "amount": str(row["amount"])} for row in changes.rows]),
            "cursor": changes.cursor,
            "whole_history": changes.whole_history,
            "is_last": changes.is_last,
        }
        self._session.execute(STORE_CHANGES, values)
        self._commit()

    def store_problem(self, account_id: str, cursor: str | None, problem: str) -> None:
        """Store why an account cannot go on from its cursor, and end the claim.

        Where another worker has it by now, nothing is stored: it may have better luck.
        """
        try:
            self.claim_again(account_id, cursor)
        except OvertakenError:
            return
        self._session.execute(STORE_PROBLEM, {"account_id": account_id, "problem": problem})
        self._commit()

    def forget(self, account_id: str) -> bool:
        """Delete an account's transactions and its cursor; False where there is no account."""
        self._begin()
        known = self._row(FORGET_CURSOR, account_id=account_id) is not None
        self._session.execute(FORGET_TRANSACTIONS, {"account_id": account_id})
        self._commit()
        return known

    def report(self) -> Report:
        """Return how all accounts stand, whoever brought them there."""
        problems = self._session.execute(PROBLEMS).fetchall()
        return Report(*(self._row(REPORT) or ()), problems=problems)

    def _begin(self) -> None:
        self._session.execute(BEGIN, self._limits)

    def _commit(self) -> None:
        self._session.execute("COMMIT")

    def _row(self, statement: str, **values: object) -> tuple[Any, ...] | None:
        return self._session.execute(statement, values).fetchone()
