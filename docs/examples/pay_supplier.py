r"""Pay a supplier's invoice, once: whatever is lost on the way, and however often this is run.

    python pay_supplier.py

Without arguments and without an API key this is a demonstration: it starts a sandbox on this
machine and pays there. With the key in TESOTE_SDK_API_KEY money moves, after a question that --yes
answers beforehand:

    python pay_supplier.py --invoice 2026-0117 --account 3b6f0c52-... --amount 1530.25 \
        --currency USD --supplier "Prairie Mills Inc." --bank-code 0199 --account-number 01990...

The invoice's number is the idempotency key of the payment. Two suppliers may number alike, so put
the supplier before the number where that can happen.

Exit codes: 0, it is paid; 1, it is not, or nobody knows: the message says what to do; 2, the
arguments or the key cannot be used; 3, it was paid by an earlier run, and nothing was sent.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import time
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Callable

from tesote_sdk import (
    ConfigError,
    InvalidArgumentError,
    InvalidOrderStateError,
    TesoteError,
    TimeoutError,
    TransportError,
    V2Client,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO, TypeVar

    from tesote_sdk.types import PaymentMethod, TransactionOrder

    Written = TypeVar("Written")

PAUSES = (1.0, 5.0, 15.0)  # seconds before each repeat of a write whose outcome is unknown
INTERVAL = 0.5  # seconds before the second look at an order; the SDK waits ever longer
NOT_WITH_THE_BANK = ("draft", "pending_approval", "approved")
FINAL = ("completed", "partially_completed", "failed", "cancelled")
# What reading an answer raises that is not what the API promises.
UNREADABLE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


class NotPaidError(Exception):
    """The invoice is not paid; the message says why, and what to do."""


# --- finding what an earlier run left ---------------------------------------------------------


def find_method(client: V2Client, bill: argparse.Namespace) -> PaymentMethod | None:
    """Find the payment method that pays to the supplier's account."""
    wanted = (bill.bank_code, bill.account_number)
    for method in client.payment_methods.list(currency=bill.currency, limit=100):
        details = method["details"]
        if (details.get("bank_code"), details.get("account_number")) == wanted:
            return method
    return None


def check_agreement(
    order: TransactionOrder, method: PaymentMethod | None, bill: argparse.Namespace
) -> None:
    """Refuse an order that has the number of this invoice and pays something else.

    `pay` does so, too. Here it is done before a question is asked or a payment method is made.
    """
    # An amount comes back as a number, or as text: what counts is its value.
    amount, target = Decimal(str(order["amount"])), order["destination"]
    agreed = (
        (amount, order["currency"]) == (bill.amount, bill.currency)
        and method is not None
        and method["id"] == target["payment_method_id"]
    )
    if not agreed:
        raise NotPaidError(
            f"there is an order for invoice {bill.invoice} that pays something else: "
            f"{amount} {order['currency']} to {target['counterparty_name']}, payment method "
            f"{target['payment_method_id']} (order {order['id']}, {order['status']}). "
            "Check the arguments. If both are due, give this one another number"
        )


# --- writing ----------------------------------------------------------------------------------


def until_known(write: Callable[[], Written]) -> Written:
    """Call `write`, and again for as long as nobody knows whether it was carried out.

    When a connection breaks after the request, or the server fails while it works, the write may
    have been carried out although the call failed. The SDK says so with `outcome_unknown`. To
    repeat such a write under a new idempotency key is to pay twice. Under the same key, the server
    carries it out if it has not yet, and sends the first result again if it has.
    """
    for pause in PAUSES:
        try:
            return write()
        except TesoteError as error:
            if not error.outcome_unknown:
                raise
            reason = str(error)
        say(f"repeating it with the same key in {pause} s: {reason}", sys.stderr)
        time.sleep(pause)
    return write()


def make_method(client: V2Client, bill: argparse.Namespace) -> PaymentMethod:
    return until_known(
        lambda: client.payment_methods.create(
            method_type="bank_account",
            currency=bill.currency,
            label=bill.supplier,
            counterparty={"name": bill.supplier},
            details={
                "bank_code": bill.bank_code,
                "account_number": bill.account_number,
                "holder_name": bill.supplier,
            },
            idempotency_key=f"{bill.invoice}/payment-method",
        )
    )


def hand_over(
    client: V2Client, bill: argparse.Namespace, method: PaymentMethod
) -> TransactionOrder:
    """Make the order if there is none, and hand it to the bank: from here on money moves."""
    try:
        return until_known(
            lambda: client.transaction_orders.pay(
                bill.account,
                amount=bill.amount,
                currency=bill.currency,
                description=f"Invoice {bill.invoice}",
                destination_payment_method_id=method["id"],
                idempotency_key=bill.invoice,
            )
        )
    except InvalidOrderStateError as error:
        # It was cancelled meanwhile, or has failed; or somebody has to approve it first.
        order = client.transaction_orders.find_by_idempotency_key(bill.account, bill.invoice)
        if order is None or order["status"] in NOT_WITH_THE_BANK:
            raise NotPaidError(
                f"the bank does not have the order yet: have it approved in the dashboard, then "
                f"run this again ({error})"
            ) from error
        return order


# --- one payment ------------------------------------------------------------------------------


def pay(client: V2Client, bill: argparse.Namespace) -> int:
    """Bring the invoice from wherever an earlier run left it to paid; returns the exit code."""
    method = find_method(client, bill)
    order = client.transaction_orders.find_by_idempotency_key(bill.account, bill.invoice)
    if order is not None:
        check_agreement(order, method, bill)
        say(f"order {order['id']} for invoice {bill.invoice} is there: {order['status']}")
        if order["status"] == "completed":
            say(f"it was paid at {order.get('completed_at')}; nothing was sent")
            return 3
    if order is None or order["status"] in NOT_WITH_THE_BANK:
        if not bill.yes:
            confirm(client, bill)
        order = hand_over(client, bill, method or make_method(client, bill))
        say(f"order {order['id']} is with the bank: {order['status']}")
    order = watch(client, bill, order)
    if order["status"] != "completed":
        raise NotPaidError(explain(order, bill))
    say(
        f"{bill.invoice}: {bill.amount} {bill.currency} to {bill.supplier}, {order['status']}, "
        f"bank reference {order.get('external_reference')}"
    )
    return 0


def confirm(client: V2Client, bill: argparse.Namespace) -> None:
    account = client.accounts.get(bill.account)
    say(
        f"Pay {bill.amount} {bill.currency} from {account['name']} "
        f"to {bill.supplier}, bank {bill.bank_code}, account {bill.account_number}, "
        f"for invoice {bill.invoice}"
    )
    try:
        answer = input("Is that right? [y/N] ")
    except EOFError:
        raise NotPaidError("nobody is here to answer: pass --yes") from None
    if answer.strip().lower() not in ("y", "yes"):
        raise NotPaidError("nothing was sent")


def watch(client: V2Client, bill: argparse.Namespace, order: TransactionOrder) -> TransactionOrder:
    """Look at the order until the bank is done with it, or for as long as was asked for."""
    if order["status"] in FINAL or not bill.timeout:
        return order
    try:
        return client.transaction_orders.wait(
            bill.account,
            order["id"],
            timeout=bill.timeout,
            poll_interval=INTERVAL,
            on_poll=lambda seen: say(f"{seen['status']}...", sys.stderr),
        )
    except TimeoutError as error:
        raise NotPaidError(f"{error}: run this again to go on watching it") from error


def explain(order: TransactionOrder, bill: argparse.Namespace) -> str:
    status = f"order {order['id']} is {order['status']}"
    if order["status"] not in FINAL:
        return f"{status}: run this again to go on watching it"
    if order["status"] == "partially_completed":
        return f"{status}: ask the bank what was paid"
    attempt = order.get("latest_attempt")
    reason = (attempt and attempt.get("error_message")) or "no reason was given"
    return f"{status}: {reason}. To order it anew, number it {bill.invoice}/2"


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line. What servers send must not steer the terminal, nor fail to be printed."""
    stream = stream or sys.stdout
    line = "".join([character if character.isprintable() else " " for character in text])
    encoding = stream.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream)


# --- the command line -------------------------------------------------------------------------

DEMONSTRATION = [
    *("--invoice", "2026-0117", "--amount", "1530.25", "--currency", "USD", "--yes"),
    *("--supplier", "Prairie Mills Inc.", "--bank-code", "0199"),
    *("--account-number", "01990042000000000117"),
]


@contextmanager
def demonstration() -> Iterator[tuple[V2Client, list[str]]]:
    """Start a sandbox; yields a client of it, and arguments that suit it."""
    from tesote_sdk.sandbox import Sandbox

    say("no key, no arguments: a demonstration, in a sandbox on this machine")
    with (
        Sandbox() as sandbox,
        V2Client(sandbox.api_key, base_url=sandbox.url, parse_float=Decimal) as client,
    ):
        accounts = client.accounts.list()
        paying = next(each for each in accounts if each["data"]["currency"] == "USD")
        yield client, ["--account", paying["id"], *DEMONSTRATION]


def amount(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,8})?", text) or not Decimal(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount above 0 such as 1530.25")
    return Decimal(text)


def seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def bill_from(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pay a supplier's invoice, once.")
    add = parser.add_argument
    add("--invoice", required=True, help="its number; no two invoices may have the same")
    add("--account", required=True, metavar="ID", help="the account that pays")
    add("--amount", required=True, type=amount, help="in currency units, such as 1530.25")
    add("--currency", required=True, help="its code, such as USD")
    add("--supplier", required=True, help="the name of the account's holder")
    add("--bank-code", required=True, help="the code of the supplier's bank")
    add("--account-number", required=True, help="the supplier's account")
    add("--yes", action="store_true", help="ask nothing")
    add("--timeout", type=seconds, default=600, help="seconds to watch the order (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    try:
        # With arguments somebody means to pay: a missing key must not end in a demonstration.
        if not arguments and "TESOTE_SDK_API_KEY" not in os.environ:
            with demonstration() as (client, suitable):
                return pay(client, bill_from(suitable))
        bill = bill_from(arguments)
        with V2Client(parse_float=Decimal) as client:
            return pay(client, bill)
    except (ConfigError, InvalidArgumentError) as error:
        say(f"stopped: {error}", sys.stderr)
        return 2
    except NotPaidError as error:
        say(f"not paid: {error}", sys.stderr)
        return 1
    except TesoteError as error:
        say(f"stopped: {error}", sys.stderr)
        if error.outcome_unknown or isinstance(error, TransportError):
            say("run this again with the same arguments: it pays once", sys.stderr)
        return 1
    except UNREADABLE as error:
        say(
            f"stopped: the server sent what this program cannot read ({error!r}). The invoice may "
            "be paid or not: look at its order in the dashboard, or run this again; it pays once",
            sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        say("interrupted: run this again to go on; it pays once", sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
