"""Mirror accounts and their transactions into a PostgreSQL database that many machines share.

    TESOTE_SDK_API_KEY=... python mirror_to_postgres.py "host=db.internal dbname=bank"

Run it on as many machines as you like, as often as you like, at once too. Each run is a worker: it
takes an account that nobody else has, brings it in step, takes the next, and ends when there is
none left. It may be killed at any moment, and so may the database.

It needs psycopg 3 (pip install "psycopg[binary]"), and beside it mirror_postgres_database.py and
mirror_rules.py. What the connection string leaves out comes from the environment, PGHOST and the
like. A password belongs into ~/.pgpass, not on a command line: other users of the machine see that.

Exit codes: 0, everything is in step; 1, it is but for the accounts that the messages name; 2,
nothing could be done, or not all.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Callable

from mirror_postgres_database import ROW_REFUSED, SESSION_LOST, Database, psycopg
from mirror_rules import (
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
    text,
)

from tesote_sdk import (
    MutationDuringPaginationError,
    RateLimiter,
    RateLimitExceededError,
    TesoteError,
    V2Client,
)

if TYPE_CHECKING:
    from tesote_sdk.types import Account

IDLE_PAUSE = 0.5  # seconds between two looks at what the other workers still have
REST = 1.0  # seconds of rest after trouble that concerns all accounts
PATIENCE = 600.0  # seconds without any progress after which a worker gives up


class Worker:
    """Takes what is due, a piece at a time, until there is nothing left."""

    def __init__(self, client: V2Client, count: int, due: datetime) -> None:
        self.client = client
        self.count = count
        self.due = due  # what was last looked at before this moment is to be looked at
        self.accounts = 0
        self.totals = {"added": 0, "modified": 0, "removed": 0}
        self.last_progress = time.monotonic()

    def work(self, connect: Callable[[], Database]) -> bool:
        """Work until nothing is due, here or at any other worker.

        All that counts is in the database. So whatever happens to a session, the next one goes on.

        Returns whether everything is in step.
        """
        while True:
            try:
                return self.work_in_one_session(connect)
            except (  # noqa: PERF203 - what is caught is rare
                RateLimitExceededError,
                MutationDuringPaginationError,
            ) as error:
                self.rest(error, error.retry_after or REST)
            except SESSION_LOST as error:
                self.rest(error, REST)

    def rest(self, error: Exception, seconds: float) -> None:
        """Say what is wrong and wait, or raise it where that has not helped for too long."""
        if time.monotonic() + seconds - self.last_progress > PATIENCE:
            raise error
        say(f"going on in {seconds:g} s: {error}")
        time.sleep(seconds)

    def work_in_one_session(self, connect: Callable[[], Database]) -> bool:
        """Work until nothing is due; an error ends the session, and with it the claim."""
        with closing(connect()) as database:
            while True:
                if self.list_accounts(database) or self.bring_one_in_step(database):
                    pass
                elif database.anything_due(self.due):
                    time.sleep(IDLE_PAUSE)  # Another worker has it. It may die, or stall.
                else:
                    return self.report(database)
                self.last_progress = time.monotonic()

    def list_accounts(self, database: Database) -> bool:
        """Store the list of the accounts; False where it is not due, or is being made."""
        if not database.claim_listing(self.due):
            return False
        say("asking for the accounts")
        problems: list[str] = []
        for page in self.client.accounts.list(per_page=100).iter_pages():
            rows = (storable(account, problems) for account in page.data)
            database.store_accounts(list({row["id"]: row for row in rows if row}.values()))
        database.end_listing("; ".join(problems) or None)
        return True

    def bring_one_in_step(self, database: Database) -> bool:
        """Claim an account that is due, and follow it to its end; False where none is free."""
        claim = database.claim_any(self.due)
        if claim is None:
            return False
        account_id, name, cursor = claim
        title = f"{name} ({account_id})"

        def store(changes: Changes) -> None:
            nonlocal cursor
            database.store_changes(account_id, changes)
            cursor = changes.cursor
            self.last_progress = time.monotonic()
            for kind, number in changes.counts.items():
                self.totals[kind] += number
            say(f"{title}: {counted(changes.counts)}")
            if not changes.is_last:
                database.claim_again(account_id, cursor)

        def pause(seconds: float) -> None:
            time.sleep(seconds)
            database.keep_claim()

        try:
            follow(self.client, account_id, cursor, store, count=self.count, pause=pause)
            self.accounts += 1
        except OvertakenError:
            pass
        except (RateLimitExceededError, *WRONG_FOR_ALL):
            raise
        except (TesoteError, UnusableDataError, *ROW_REFUSED) as error:
            say(f"{title}: FAILED: {explain(error)}")
            database.store_problem(account_id, cursor, text(explain(error)))
        return True

    def report(self, database: Database) -> bool:
        """Print how all accounts stand. Returns whether everything is in step."""
        report = database.report()
        for name, account_id, problem in report.problems:
            say(f"not in step: {name} ({account_id}): {problem}")
        if report.not_stored:
            say(f"not in step: {report.not_stored}")
        summary = (
            f"{report.in_step} accounts in step, {report.failed} failed; "
            f"this worker: {self.accounts} accounts, transactions: {counted(self.totals)}"
        )
        if report.partial:
            summary += f"; {report.partial} accounts lack what was before their first run"
        print(summary, flush=True)
        return not report.failed and not report.not_stored


def storable(account: Account, problems: list[str]) -> dict[str, Any] | None:
    """Return an account as the table has it; where that cannot be, add why to the problems."""
    try:
        row = account_row(account)
        for name in ("balance", "available_balance"):
            in_cents = row.pop(f"{name}_cents")
            row[name] = None if in_cents is None else str(Decimal(in_cents).scaleb(-2))
        row["current_as_of"] = moment(row["current_as_of"])
    except UnusableDataError as error:
        problems.append(text(f"{account.get('name')} ({account['id']}): {error}"))
        return None
    return row


def moment(sent: str | None) -> str | None:
    """Check a timestamp; one without a time zone is taken as UTC, wherever the database is."""
    if sent is None:
        return None
    try:
        read = datetime.fromisoformat(sent.replace("Z", "+00:00"))
    except ValueError as error:
        raise UnusableDataError(f"the account cannot be stored: {error}") from error
    return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).isoformat()


# --- the program ------------------------------------------------------------------------------


def run(chosen: argparse.Namespace) -> int:
    def connect() -> Database:
        return Database(chosen.database, chosen.stall)

    # What is wrong with the connection string or the tables is told at once.
    with closing(connect()) as database:
        database.make_tables()
        if chosen.anew and not database.forget(chosen.anew):
            say(f"nothing is stored of an account {chosen.anew}")
        due = database.moment_ago(chosen.max_age)
    # Decimal keeps amounts exact; the limiter slows a long run down before it meets a 429. No call
    # may take as long as a claim lasts.
    with V2Client(
        parse_float=Decimal, rate_limiter=RateLimiter(), total_timeout=chosen.stall * 2 / 3
    ) as client:
        in_step = Worker(client, chosen.count, due).work(connect)
    return 0 if in_step else 1


def seconds(argument: str) -> float:
    try:
        value = float(argument)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 10**6:
        raise argparse.ArgumentTypeError(f"{argument!r} is no number of seconds up to a million")
    return value


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Mirror accounts and transactions into a PostgreSQL database."
    )
    parser.add_argument(
        "database",
        nargs="?",
        default="",
        help='such as "host=db.internal dbname=bank"; what it lacks comes from PGHOST and the like',
    )
    parser.add_argument(
        "--max-age",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="leave alone what was looked at so shortly before this began (%(default)s)",
    )
    parser.add_argument(
        "--stall",
        type=seconds,
        default=180.0,
        metavar="SECONDS",
        help="how long a worker that does nothing may keep an account from others (%(default)s)",
    )
    chosen = parse_arguments(parser, arguments)
    try:
        psycopg.conninfo.conninfo_to_dict(chosen.database)
    except psycopg.ProgrammingError:  # its message may quote the password
        parser.error("the connection string cannot be read")
    try:
        return run(chosen)
    except (TesoteError, psycopg.Error) as error:
        say(f"stopped: {error}. What is stored is whole; running this again goes on from there")
        return 2
    except KeyboardInterrupt:
        say("interrupted; what is stored is whole")
        return 130


if __name__ == "__main__":
    sys.exit(main())
