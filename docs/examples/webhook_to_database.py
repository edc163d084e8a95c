"""Turn webhooks into rows: a delivery arrives, and what it announces is in a SQLite database.

    python webhook_to_database.py                                    # a demonstration
    TESOTE_SDK_API_KEY=... TESOTE_WEBHOOK_SECRET=... python webhook_to_database.py bank.db 8080

The receiver checks the signature, drops duplicates and answers at once. A worker then syncs the
accounts that the delivery names, each from its stored cursor, and stores every page together with
the next cursor.

A delivery can get lost, and one that is waiting is forgotten when the process is killed. So run
mirror_to_sqlite.py on the same database from cron as well, once an hour for instance: it finds what
is missing, and the two may run at the same time.

Three files must lie beside this one: webhook_receiver.py, mirror_to_sqlite.py and mirror_rules.py.
"""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import sys
import tempfile
import threading
from contextlib import closing
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mirror_rules import UnusableDataError, counted, explain, say
from mirror_to_sqlite import mirror_account, open_database
from webhook_receiver import WebhookReceiver, serving

from tesote_sdk import RateLimiter, TesoteError, V2Client

if TYPE_CHECKING:
    from tesote_sdk.webhooks import WebhookEvent


def store_news(client: V2Client, path: str, event: WebhookEvent) -> None:
    """Bring the accounts that a delivery names in step."""
    with closing(open_database(path)) as database:
        for account_id in event.account_ids:
            sync_account(client, database, account_id)


def sync_account(client: V2Client, database: sqlite3.Connection, account_id: str) -> None:
    """Bring an account in step, or report why that failed: the others still get their turn."""
    try:
        account = client.accounts.get(account_id)
        mirror_account(client, database, account, 500, partial(report, account_id))
    except (TesoteError, UnusableDataError, sqlite3.Error) as error:
        say(f"{account_id}: FAILED: {explain(error)}")


def report(account_id: str, counts: dict[str, int]) -> None:
    say(f"{account_id}: {counted(counts)}")


def demonstrate() -> None:
    """Post a transaction at a sandbox's bank, have the sandbox deliver, and show the row."""
    from tesote_sdk.sandbox import Sandbox

    print("No arguments: a demonstration, with the invented bank of a sandbox.")
    secret = "whsec_demonstration"
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(accounts=2, transactions=3) as sandbox,
        V2Client(sandbox.api_key, base_url=sandbox.url, parse_float=Decimal) as client,
    ):
        path, account_id = str(Path(folder) / "bank.db"), sandbox.account_ids[0]
        posted = sandbox.post_transaction(account_id, amount_cents=-4500, description="Stamps")
        with serving(0, WebhookReceiver(secret, partial(store_news, client, path))) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                url = f"http://127.0.0.1:{server.server_port}/"
                data = {"accounts_with_updates": [account_id]}
                sandbox.deliver_webhook(url, "sync.updates_available", data, secret=secret)
            finally:
                server.shutdown()
                thread.join()
        with closing(open_database(path)) as database:
            query = "SELECT description, amount_cents FROM transactions WHERE id = ?"
            print("The row:", *database.execute(query, (posted["id"],)).fetchone())


def main(arguments: list[str]) -> None:
    """Serve until Ctrl-C or SIGTERM, then finish what was accepted."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    secret = os.environ.get("TESOTE_WEBHOOK_SECRET", "")
    if not arguments:
        return demonstrate()
    if len(arguments) != 2 or not (arguments[1].isdecimal() and int(arguments[1]) < 65536):
        sys.exit("give the database's file and a port: bank.db 8080")
    if not secret:
        sys.exit("set TESOTE_WEBHOOK_SECRET to the HMAC secret of the subscription")
    try:
        with V2Client(parse_float=Decimal, rate_limiter=RateLimiter()) as client:
            open_database(arguments[0]).close()  # better now than at the first delivery
            receiver = WebhookReceiver(secret, partial(store_news, client, arguments[0]))
            with serving(int(arguments[1]), receiver) as server:
                say(f"listening on http://127.0.0.1:{server.server_port}")
                server.serve_forever()
    except (TesoteError, sqlite3.Error, OSError) as error:
        sys.exit(f"webhook_to_database: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
