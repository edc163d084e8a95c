"""Export a month of every account's transactions, a CSV file an account.

    TESOTE_SDK_API_KEY=... python export_month.py exports            # last month
    TESOTE_SDK_API_KEY=... python export_month.py exports 2026-03

Run it again and it writes the same files again: each is written whole, or not at all.

Exit codes: 0, every account is exported in full; 1, all but those that the messages name; 2,
nothing could be done.
"""

from __future__ import annotations

import argparse
import calendar
import csv
import io
import re
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tesote_sdk import (
    ConfigError,
    InvalidArgumentError,
    RateLimiter,
    TesoteError,
    UnauthorizedError,
    V2Client,
    WorkspaceSuspendedError,
)

if TYPE_CHECKING:
    from tesote_sdk import ExportFile
    from tesote_sdk.types import Account

MAX_ROWS = 10_000  # of one file; the server is said to leave out the rest without a word

# What is wrong for one account is then wrong for all.
WRONG_FOR_ALL = (ConfigError, InvalidArgumentError, UnauthorizedError, WorkspaceSuspendedError)


class IncompleteExportError(Exception):
    """A file that may lack transactions."""


def month(text: str) -> date:
    """Return the first day of a month that is written as YYYY-MM."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no month such as 2026-03") from None
    if first > date.today():
        raise argparse.ArgumentTypeError(f"{text} has not begun")
    return first


def last_month() -> date:
    return (date.today().replace(day=1) - timedelta(days=1)).replace(day=1)


def last_day(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def file_name(account: Account, first: date) -> str:
    """Name an account's file, for people by its name and for certain by its id.

    `export.filename`, which the server proposes, holds the day of the export and maybe no account:
    saving under it could overwrite another account's file, and a second run would add new files.
    """
    name = re.sub(r"\W+", "_", account["name"]).strip("_")[:60]
    return f"{first:%Y-%m}_{name}_{account['id']}.csv"


def count_rows(export: ExportFile) -> int:
    # A quoted description may hold line ends, so lines are not rows.
    rows = sum(1 for row in csv.reader(io.StringIO(export.text, newline="")) if row)
    return max(rows - 1, 0)  # the first names the columns


def export_account(client: V2Client, account: Account, first: date, folder: Path) -> int:
    """Export one account, and return how many transactions that were."""
    export = client.transactions.export(
        account["id"], start_date=first, end_date=last_day(first), format="csv"
    )
    rows = count_rows(export)
    path = export.save(folder / file_name(account, first))
    if rows >= MAX_ROWS:
        raise IncompleteExportError(
            f"{path} has {rows} transactions, as many as one file may have: there may be more. "
            "Export this account in shorter ranges"
        )
    return rows


def export_all(client: V2Client, first: date, folder: Path) -> tuple[str, bool]:
    """Export every account. Returns a summary, and whether nothing is missing."""
    say("asking for the accounts")
    accounts = list(client.accounts.list(per_page=100))
    total = empty = failed = 0
    for place, account in enumerate(accounts, 1):
        title = f"{place}/{len(accounts)} {account['name']}"
        try:
            rows = export_account(client, account, first, folder)
        except WRONG_FOR_ALL:
            raise
        except (TesoteError, IncompleteExportError) as error:
            failed += 1
            say(f"{title}: FAILED: {error}")
        else:
            total += rows
            empty += not rows
            say(f"{title}: {rows} transactions")
    summary = (
        f"{first:%Y-%m}: {total} transactions of {len(accounts) - failed} accounts "
        f"({empty} of them without any) in {folder}; {failed} accounts failed"
    )
    return summary, not failed


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Export a month of every account's transactions, a CSV file an account."
    )
    parser.add_argument("folder", type=Path, help="where to; made if it is not there")
    parser.add_argument(
        "month",
        type=month,
        nargs="?",
        default=last_month(),
        metavar="YYYY-MM",
        help="the month (last month)",
    )
    chosen = parser.parse_args(arguments)
    if last_day(chosen.month) >= date.today():
        say(f"{chosen.month:%Y-%m} is not over: transactions are still to come")
    try:
        # The limiter slows a long run down before it meets a 429.
        with V2Client(rate_limiter=RateLimiter()) as client:
            chosen.folder.mkdir(parents=True, exist_ok=True)
            summary, complete = export_all(client, chosen.month, chosen.folder)
    except (TesoteError, OSError) as error:
        say(f"stopped: {error}")
        return 2
    except KeyboardInterrupt:
        say("interrupted; the files that are there are whole")
        return 130
    print(summary)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
