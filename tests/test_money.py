"""Cents and currency units: exact both ways, and refused where there is no one answer."""

from __future__ import annotations

import subprocess
import sys
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any

import pytest

from tesote_sdk import InvalidArgumentError, V2Client
from tesote_sdk.money import from_cents, to_cents
from tesote_sdk.sandbox import Sandbox


@pytest.mark.parametrize(
    ("cents", "amount"),
    [
        ("123450", "1234.50"),
        (123450, "1234.50"),
        (-4875000, "-48750.00"),
        ("-5", "-0.05"),
        (0, "0.00"),
        ("-0", "0.00"),
        ("007", "0.07"),
        (10**300 + 1, f"1{'0' * 298}.01"),
    ],
)
def test_cents_are_an_amount_with_two_decimals(cents: int | str, amount: str) -> None:
    assert str(from_cents(cents, "USD")) == amount
    assert to_cents(from_cents(cents, "USD"), "USD") == int(cents)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("1234.50", 123450),
        ("1234.5", 123450),
        ("1234", 123400),
        (1234, 123400),
        ("-0.05", -5),
        ("-0.5", -50),
        (Decimal("1E+3"), 100000),
        (Decimal("1234.5000"), 123450),
        (Decimal("-0.00"), 0),
        ("0.010", 1),
    ],
)
def test_an_amount_is_so_many_cents(amount: Any, cents: int) -> None:
    result = to_cents(amount, "VES")
    assert (result, type(result)) == (cents, int)


def test_an_amount_may_have_400_digits() -> None:
    assert str(from_cents("9" * 400, "USD")) == "9" * 398 + ".99"
    assert to_cents("9" * 400, "USD") == (10**400 - 1) * 100


def test_no_context_rounds_them() -> None:
    with localcontext() as context:
        context.prec, context.rounding = 3, ROUND_DOWN
        context.Emax, context.Emin = 5, -5
        assert str(from_cents("91845007599", "VES")) == "918450075.99"
        assert to_cents(Decimal("918450075.99"), "VES") == 91845007599


def test_the_balance_of_an_account_is_read_and_its_transactions_too() -> None:
    sandbox = Sandbox(accounts=1, transactions=5)
    with sandbox, V2Client(sandbox.api_key, base_url=sandbox.url) as client:
        data = client.accounts.list().data[0]["data"]
        rows = client.transactions.list_for_account(sandbox.account_ids[0]).data
    balance = from_cents(data["balance_cents"], data["currency"])
    assert to_cents(balance, data["currency"]) == int(data["balance_cents"])
    for row in rows:
        amount = from_cents(row["data"]["amount_cents"], row["data"]["currency"])
        assert amount * 100 == row["data"]["amount_cents"]


@pytest.mark.parametrize(
    ("cents", "why"),
    [
        (1234.5, "int or a string of digits, not float"),
        (123450.0, "not float"),
        (True, "not bool"),
        (None, "not NoneType"),
        (Decimal(5), "not Decimal"),
        ("1234.50", "a whole number, not '1234.50'"),
        ("1234.00", "a whole number"),
        ("", "a whole number, not ''"),
        ("+5", "a whole number"),
        (" 5", "a whole number"),
        ("5\n", "a whole number"),
        ("1_000", "a whole number"),
        ("٣", "a whole number"),
        ("1e3", "a whole number"),
        ("9" * 401, "too many digits"),
        pytest.param(10**6000, "too many digits", id="10**6000"),
    ],
)
def test_what_is_no_number_of_cents_is_refused(cents: Any, why: str) -> None:
    with pytest.raises(InvalidArgumentError, match=why):
        from_cents(cents, "USD")


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        (0.1, "not float"),
        (True, "not bool"),
        (None, "not NoneType"),
        ("0.001", r"a fraction of a cent: 0\.001"),
        (Decimal("1E-3"), "a fraction of a cent"),
        ("1,234.50", "a plain decimal number"),
        ("1e3", "a plain decimal number"),
        ("", "a plain decimal number"),
        (Decimal("NaN"), "finite"),
        (Decimal("-Infinity"), "finite"),
        (Decimal("1E+999999"), "too many digits"),
        (Decimal("1E-999999"), "too many digits"),
        (Decimal("0E+999999"), "too many digits"),
        pytest.param(Decimal("9" * 500), "too many digits", id="500 nines"),
        pytest.param(Decimal("1." + "0" * 500), "too many digits", id="500 decimals"),
        pytest.param(10**6000, "too many digits", id="10**6000"),
        ("9" * 401, "too many digits"),
    ],
)
def test_what_is_no_amount_is_refused(amount: Any, why: str) -> None:
    with pytest.raises(InvalidArgumentError, match=why):
        to_cents(amount, "USD")


@pytest.mark.parametrize(
    "currency", ["JPY", "CLP", "KWD", "CLF", "XAU", "USDT", "usd", "", "US", " USD", None, 840]
)
def test_a_currency_whose_cents_are_not_known_is_refused(currency: Any) -> None:
    for convert in (from_cents, to_cents):
        with pytest.raises(InvalidArgumentError, match=r"is not a currency with two decimals"):
            convert(123450, currency)


def test_the_currencies_that_the_api_is_known_to_use_are_taken() -> None:
    for currency in ("USD", "EUR", "VES", "COP", "MXN", "BRL", "PEN"):
        assert from_cents(1, currency) == Decimal("0.01")


def test_both_ways_work_in_a_program_of_its_own() -> None:
    program = """
import tesote_sdk
def main():
    print(repr(tesote_sdk.money.from_cents("123450", "USD")))
    print(tesote_sdk.money.to_cents("1234.50", "USD"))
if __name__ == "__main__":
    main()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert done.stdout == "Decimal('1234.50')\n123450\n"
