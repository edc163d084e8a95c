"""Exact amounts: the API's cents as a Decimal of currency units, and back.

    >>> from_cents("123450", "USD")
    Decimal('1234.50')
    >>> to_cents("1234.50", "USD")
    123450

The API counts in cents and does not say what a cent is of a currency that has none, such as the
yen, or a thousandth, such as the Kuwaiti dinar. The functions here take the currencies whose minor
unit is the hundredth by ISO 4217, where there is one answer, and refuse every other code. No
rounding happens, whatever the precision of the program's decimal context.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Union

from ._arguments import amount_text
from ._hints import types
from .errors import InvalidArgumentError

__all__ = ["from_cents", "to_cents"]

_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN "
    "BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN "
    "ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD "
    "KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB "
    "SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY "
    "TTD TWD TZS UAH USD USN UYU UZS VED VEF VES WST XAD XCD XCG YER ZAR ZMW ZWG ZWL"
)
_HUNDREDTHS = frozenset(_CODES.split())
"""The codes to which ISO 4217 gives two decimals, and some that had them until lately."""

_MOST_DIGITS = 400
"""What has more is no amount of money, and takes long to compute with."""


def from_cents(cents: Union[int, str], currency: str) -> Decimal:
    """Return an amount in currency units, with its two decimals.

    Args:
        cents: A whole number, as `amount_cents` is, or its digits, as `balance_cents` is; negative
            for money out.
        currency: The code of the currency, such as `USD`.

    Returns:
        The amount, exactly: `Decimal("1234.50")` for 123450 cents.

    Raises:
        InvalidArgumentError: `cents` is a float, a fraction or no number at all; or `currency` is
            not one whose cent is known to be a hundredth.
    """
    _check_currency(currency)
    if isinstance(cents, bool) or not isinstance(cents, (int, str)):
        raise InvalidArgumentError(
            f"cents must be an int or a string of digits, not {type(cents).__name__}"
        )
    _check_size("cents", cents)
    if not re.fullmatch(r"-?[0-9]+", str(cents)):
        raise InvalidArgumentError(f"cents must be a whole number, not {cents!r}")
    whole = int(cents)
    # Arithmetic would round to the precision of the context: 28 digits, or what somebody chose.
    return Decimal((int(whole < 0), tuple(map(int, str(abs(whole)))), -2))


def to_cents(amount: types.Amount, currency: str) -> int:
    """Return an amount as the number of its cents.

    Args:
        amount: In currency units: a str such as `"1234.50"`, an int or a Decimal; negative for
            money out.
        currency: The code of the currency, such as `USD`.

    Returns:
        The cents, exactly: 123450 for `"1234.50"`.

    Raises:
        InvalidArgumentError: `amount` is a float or no number, or holds a fraction of a cent; or
            `currency` is not one whose cent is known to be a hundredth.
    """
    _check_currency(currency)
    _check_size("amount", amount)
    text = amount_text("amount", amount)
    units, _, fraction = text.partition(".")
    if fraction[2:].strip("0"):
        raise InvalidArgumentError(
            f"amount holds a fraction of a cent: {text}. Round it first, as your books do"
        )
    return int(units + fraction[:2].ljust(2, "0"))


def _check_currency(currency: object) -> None:
    if not isinstance(currency, str) or currency not in _HUNDREDTHS:
        raise InvalidArgumentError(
            f"{currency!r:.20} is not a currency with two decimals (ISO 4217), and the API "
            "does not say what its cents are: check an amount that you know, and convert this "
            "currency in your own code"
        )


def _check_size(name: str, number: object) -> None:
    """Refuse what is too long, whichever type it has."""
    digits = 0
    if isinstance(number, str):
        digits = len(number)
    elif isinstance(number, int):
        digits = number.bit_length() // 4  # less than it has, and quick to tell
    elif isinstance(number, Decimal) and number.is_finite():
        digits = max(abs(number.adjusted()), abs(int(number.as_tuple().exponent)))
    if digits > _MOST_DIGITS:
        raise InvalidArgumentError(f"{name} has too many digits to be an amount of money")
