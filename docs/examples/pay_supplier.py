r"""Pay a supplier's invoice, once: whatever is lost on the way, and however often this is run.

    python pay_supplier.py

Without arguments and without an API key this is a demonstration: it starts a sandbox on this
machine and pays there. With the key in TESOTE_SDK_API_KEY money moves, after a question that --yes
answers beforehand:

    python pay_supplier.py --invoice 2026-0117 --account 3b6f0c52-... --amount 1530.25 \
        --currency USD --supplier "Prairie Mills Inc." --bank-code 0199 --account-number 01990...

The invoice's number is the idempotency key of the order: the server makes one order for it. Two
suppliers may number alike, so put the supplier before the number where that can happen.

Exit codes: 0, it is paid; 1, it is not, or nobody knows: the message says what to do; 2, the
arguments or the key cannot be used; 3, it was paid by an earlier run, and nothing was sent.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Callable

from tesote_sdk import (
    ConfigError,
    InvalidArgumentError,
    InvalidOrderStateError,
    TesoteError,
    TransportError,
    V2Client,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    from tesote_sdk.types import PaymentMethod, TransactionOrder

    Written = TypeVar("Written")

PAUSES = (1.0, 5.0, 15.0)  # seconds before each repeat of a write whose outcome is unknown
FIRST_INTERVAL, LONGEST_INTERVAL = 0.5, 30.0  # seconds between two looks at an order
NOT_WITH_THE_BANK = ("draft", "pending_approval", "approved")
FINAL = ("completed", "partially_completed", "failed", "cancelled")


class NotPaidError(Exception):
    """The invoice is not paid; the message says why, and what to do."""


# --- finding what an earlier run left ---------------------------------------------------------


def find_method(client: V2Client, bill: argparse.Namespace) -> PaymentMethod | None:
    """Find the payment method that pays to the supplier's account."""
    wanted = (bill.bank_code, bill.account_number)
    for method in client.payment_methods.list(currency=bill.currency, limit=100):
        if (method["details"].get("bank_code"), method["details"].get("account_number")) == wanted:
            return method
    return None


def find_order(client: V2Client, bill: argparse.Namespace) -> TransactionOrder | None:
    """Find the order of the invoice among all orders of the account.

    The server may forget an idempotency key after a day or so. Its list of orders remembers.
    """
    for order in client.transaction_orders.list(bill.account, limit=100):
        if order["idempotency_key"] == bill.invoice:
            return order
    return None


def check_agreement(
    order: TransactionOrder, method: PaymentMethod | None, bill: argparse.Namespace
) -> None:
    """Refuse an order that has the number of this invoice and pays something else."""
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
        print(f"repeating it with the same key in {pause} s: {reason}", file=sys.stderr)
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


def make_order(
    client: V2Client, bill: argparse.Namespace, method: PaymentMethod
) -> TransactionOrder:
    order = until_known(
        lambda: client.transaction_orders.create(
            bill.account,
            amount=bill.amount,
            currency=bill.currency,
            description=f"Invoice {bill.invoice}",
            destination_payment_method_id=method["id"],
            idempotency_key=bill.invoice,
        )
    )
    # Another process may have been faster: then this is its order.
    check_agreement(order, method, bill)
    return order


def submit(client: V2Client, bill: argparse.Namespace, order: TransactionOrder) -> TransactionOrder:
    """Hand the order to the bank; from here on money moves."""
    order_id = order["id"]
    # After a refusal by the bank a new try is a new request, and needs a key of its own.
    refused = order["latest_attempt"]
    number = refused["attempt_number"] + 1 if refused else 1
    try:
        return until_known(
            lambda: client.transaction_orders.submit(
                bill.account, order_id, idempotency_key=f"{bill.invoice}/submit-{number}"
            )
        )
    except InvalidOrderStateError as error:
        # It was submitted already, by a try whose answer was lost or by another process; or it
        # was cancelled; or somebody has to approve it first. The order itself tells which.
        order = client.transaction_orders.get(bill.account, order_id)
        if order["status"] in NOT_WITH_THE_BANK:
            raise NotPaidError(
                f"order {order_id} is {order['status']}: have it approved in the dashboard, then "
                f"run this again ({error})"
            ) from error
        return order


# --- one payment ------------------------------------------------------------------------------


def pay(client: V2Client, bill: argparse.Namespace) -> int:
    """Bring the invoice from wherever an earlier run left it to paid; returns the exit code."""
    method = find_method(client, bill)
    order = find_order(client, bill)
    if order is not None:
        check_agreement(order, method, bill)
        print(f"order {order['id']} for invoice {bill.invoice} is there: {order['status']}")
        if order["status"] == "completed":
            print(f"it was paid at {order['completed_at']}; nothing was sent")
            return 3
    if order is None or order["status"] in NOT_WITH_THE_BANK:
        if not bill.yes:
            confirm(client, bill)
        if order is None:
            method = method or make_method(client, bill)
            order = make_order(client, bill, method)
            print(f"order {order['id']} to payment method {method['id']} made")
        order = submit(client, bill, order)
    order = watch(client, bill, order)
    if order["status"] != "completed":
        raise NotPaidError(explain(order, bill))
    print(f"invoice {bill.invoice} is paid; the account's newest orders:")
    for listed in client.transaction_orders.list(bill.account, limit=5).data:
        paid_to = listed["destination"]["counterparty_name"]
        print(
            f"  {listed['idempotency_key']}: {listed['amount']} {listed['currency']} to {paid_to}, "
            f"{listed['status']}, bank reference {listed['external_reference']}"
        )
    return 0


def confirm(client: V2Client, bill: argparse.Namespace) -> None:
    account = client.accounts.get(bill.account)
    print(
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
    deadline = time.monotonic() + bill.timeout
    interval = FIRST_INTERVAL
    while order["status"] not in FINAL and time.monotonic() < deadline:
        print(f"{order['status']}...", file=sys.stderr)
        time.sleep(interval)
        interval = min(interval * 1.5, LONGEST_INTERVAL)
        order = client.transaction_orders.get(bill.account, order["id"])
    return order


def explain(order: TransactionOrder, bill: argparse.Namespace) -> str:
    status = f"order {order['id']} is {order['status']}"
    if order["status"] not in FINAL:
        return f"{status}: run this again to go on watching it"
    if order["status"] == "partially_completed":
        return f"{status}: ask the bank what was paid"
    attempt = order["latest_attempt"]
    reason = (attempt and attempt["error_message"]) or "no reason was given"
    return f"{status}: {reason}. To order it anew, number it {bill.invoice}/2"


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

    print("no key, no arguments: a demonstration, in a sandbox on this machine")
    with (
        Sandbox() as sandbox,
        V2Client(sandbox.api_key, base_url=sandbox.url, parse_float=Decimal) as client,
    ):
        accounts = client.accounts.list()
        paying = next(each for each in accounts if each["data"]["currency"] == "USD")
        yield client, ["--account", paying["id"], *DEMONSTRATION]


def amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount such as 1530.25") from None
    if not (value.is_finite() and value > 0):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
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
    add("--timeout", type=float, default=600, help="seconds to watch the order (%(default)s)")
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
        print(f"stopped: {error}", file=sys.stderr)
        return 2
    except NotPaidError as error:
        print(f"not paid: {error}", file=sys.stderr)
        return 1
    except TesoteError as error:
        print(f"stopped: {error}", file=sys.stderr)
        if error.outcome_unknown or isinstance(error, TransportError):
            print("run this again with the same arguments: it pays once", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: run this again to go on; it pays once", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
