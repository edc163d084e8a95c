"""Export a month of every account's transactions, one CSV file per account.

    python export_month.py                                           # a demonstration
    TESOTE_SDK_API_KEY=... python export_month.py exports            # last month
    TESOTE_SDK_API_KEY=... python export_month.py exports 2026-03
    TESOTE_SDK_API_KEY=... python export_month.py exports --zone America/Caracas

Without arguments and without an API key it exports the invented accounts of a sandbox on this
machine. With a folder it wants the key: a missing one must not end in invented bank data.

--zone says by which clock a month is over; without it, by UTC, whatever this machine is set to.
It does not choose the transactions: they go by the dates that the bank gave them.

Run it again and it writes the same files again: each is written whole, or not at all, and for you
alone to read.

Exit codes: 0, every account is exported in full; 1, all but those that the messages name; 2,
nothing could be done.
"""

from __future__ import annotations

import argparse
import calendar
import csv
import hashlib
import io
import os
import re
import sys
import tempfile
import uuid
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone, tzinfo
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


# --- months -----------------------------------------------------------------------------------


def month(text: str) -> date:
    """Return the first day of a month that is written as YYYY-MM."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no month such as 2026-03") from None


def zone(name: str) -> tzinfo:
    """Return a time zone by its name in the IANA database."""
    if name == "UTC":
        return timezone.utc
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there, no name at all, a folder of the database
        raise argparse.ArgumentTypeError(
            f"{name!r} is no time zone known here, such as America/Caracas. On Windows you may "
            "have to run: pip install tzdata"
        ) from None


def last_month(today: date) -> date:
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def last_day(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


# --- one account ------------------------------------------------------------------------------


def file_name(account: Account, first: date) -> str:
    """Name an account's file, for people by its name and for certain by its id.

    `export.filename`, which the server proposes, holds the day of the export and maybe no account:
    saving under it could overwrite another account's file, and a second run would add new files.
    """
    words = re.sub(r"\W+", "_", str(account.get("name"))).strip("_")
    name = words.encode(errors="ignore")[:100].decode(errors="ignore")
    try:
        identifier = str(uuid.UUID(account["id"]))
    except ValueError:
        # Ids come from a server, and an odd one could lead out of the folder.
        identifier = hashlib.sha256(account["id"].encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{first:%Y-%m}_{name}_{identifier}.csv"


def count_rows(export: ExportFile) -> int:
    # A quoted description may hold line ends, so lines are not rows.
    try:
        rows = sum(1 for row in csv.reader(io.StringIO(export.text, newline="")) if row)
    except csv.Error as error:
        raise IncompleteExportError(f"the file is no CSV that can be read: {error}") from error
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


# --- all of them ------------------------------------------------------------------------------


def export_all(client: V2Client, first: date, folder: Path) -> tuple[str, bool]:
    """Export every account. Returns a summary, and whether nothing is missing."""
    say("asking for the accounts")
    accounts = list(client.accounts.list(per_page=100))
    total = empty = failed = 0
    for place, account in enumerate(accounts, 1):
        title = f"{place}/{len(accounts)} {account.get('name')}"
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


def say(line: str, stream: str = "stderr") -> None:
    """Print a line without the characters of a server's text that a terminal would obey."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in line)
    print(plain, file=getattr(sys, stream), flush=True)


def connect(stack: ExitStack, demonstration: bool) -> V2Client:
    """Return a client of the real API, or of a sandbox; the stack closes it."""
    # The limiter slows a long run down before it meets a 429.
    if not demonstration:
        return stack.enter_context(V2Client(rate_limiter=RateLimiter()))
    from tesote_sdk.sandbox import Sandbox

    say("no key, no arguments: a demonstration, with the invented accounts of a sandbox")
    sandbox = stack.enter_context(Sandbox(accounts=12))
    return stack.enter_context(V2Client(sandbox.api_key, base_url=sandbox.url))


def arguments_from(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Export a month of every account's transactions, one CSV file per account."
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="where to; made if it is not there")
    add("month", type=month, nargs="?", metavar="YYYY-MM", help="the month (last month)")
    add(
        "--zone",
        type=zone,
        default="UTC",
        help="the time zone whose calendar says which month is over (%(default)s)",
    )
    chosen = parser.parse_args(given)
    chosen.demonstration = chosen.folder is None and not os.environ.get("TESOTE_SDK_API_KEY")
    if chosen.folder is None and not chosen.demonstration:
        parser.error("say which folder to export into")
    chosen.today = datetime.now(chosen.zone).date()
    chosen.month = chosen.month or last_month(chosen.today)
    if chosen.month > chosen.today:
        parser.error(f"{chosen.month:%Y-%m} has not begun ({chosen.zone})")
    return chosen


def main(given: list[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a letter shows a question mark in its place.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    chosen = arguments_from(given)
    if last_day(chosen.month) >= chosen.today:
        say(f"{chosen.month:%Y-%m} is not over ({chosen.zone}): transactions are still to come")
    try:
        with ExitStack() as stack:
            client = connect(stack, chosen.demonstration)
            folder = chosen.folder or Path(tempfile.mkdtemp(prefix="tesote-export-"))
            folder.mkdir(parents=True, exist_ok=True)
            summary, complete = export_all(client, chosen.month, folder)
        say(summary, "stdout")
    except (TesoteError, OSError) as error:
        say(f"stopped: {error}")
        return 2
    except KeyboardInterrupt:
        say("interrupted; the files that are there are whole")
        return 130
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
