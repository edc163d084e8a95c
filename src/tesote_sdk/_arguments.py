"""How arguments of resource methods become what the API takes; bad ones are refused here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional, Union

from ._forks import loading
from ._hints import datetime, types
from .errors import InvalidArgumentError
from .transport.encoding import MAX_DIGITS, id_text, plain_decimal

_DECIMAL = r"-?[0-9]+(\.[0-9]+)?"  # compiled when the first amount is passed


_ORDER_FIELDS = frozenset(
    {
        "amount",
        "beneficiary",
        "currency",
        "description",
        "destination_payment_method_id",
        "metadata",
        "scheduled_for",
    }
)


def amount_text(name: str, value: types.Amount) -> str:
    """Return an amount as the decimal string that was given.

    Args:
        name: The argument's name, for the message.
        value: In currency units: a str in plain notation, an int or a Decimal.

    Raises:
        InvalidArgumentError: It is a float, which holds no exact amount of money, or no number, or
            one of more digits than any money has.
    """
    if isinstance(value, str):
        if len(value) <= MAX_DIGITS and re.fullmatch(_DECIMAL, value):
            return value
        raise InvalidArgumentError(f'{name} must be a plain decimal number, such as "1530.25"')
    if isinstance(value, bool):
        raise InvalidArgumentError(f"{name} must be an amount, not bool: {value} is none")
    if isinstance(value, int):
        if abs(value) >= 10**MAX_DIGITS:
            raise InvalidArgumentError(f"{name} has more than {MAX_DIGITS} digits")
        return str(value)
    with loading():  # few programs pass one
        from decimal import Decimal

    if isinstance(value, Decimal):
        return plain_decimal(name, value)
    reason = ": a float is binary and would change the amount" if isinstance(value, float) else ""
    raise InvalidArgumentError(
        f"{name} must be a str, int or Decimal, not {type(value).__name__}{reason}"
    )


def optional_amount(name: str, value: Optional[types.Amount]) -> Optional[str]:
    """Return an amount as `amount_text` does, and None as None."""
    return None if value is None else amount_text(name, value)


def date_text(name: str, value: Union[datetime.date, str, None]) -> Optional[str]:
    """Return a day as `YYYY-MM-DD`; a str passes as it is.

    Raises:
        InvalidArgumentError: It is a datetime, which is no day, or nothing of a date.
    """
    if value is None or isinstance(value, str):
        return value
    with loading():  # few programs pass another
        from datetime import date, datetime

    if isinstance(value, datetime):
        raise InvalidArgumentError(f"{name} is a day: pass a date, such as {name}.date()")
    if isinstance(value, date):
        return value.isoformat()
    raise InvalidArgumentError(f"{name} must be a date or an ISO string")


def moment_text(name: str, value: Union[datetime.date, str, None]) -> Optional[str]:
    """Return a datetime or a day in ISO 8601; a str passes as it is.

    Raises:
        InvalidArgumentError: It is a datetime without a time zone, which names no moment, or
            nothing of a date.
    """
    if value is None or isinstance(value, str):
        return value
    with loading():  # few programs pass another
        from datetime import datetime

    if not isinstance(value, datetime):
        return date_text(name, value)
    if value.utcoffset() is None:
        raise InvalidArgumentError(f"{name} needs a time zone: pass an aware datetime")
    return value.isoformat()


def whole_number(
    name: str, value: Optional[int], low: int, high: Optional[int] = None
) -> Optional[int]:
    """Return a whole number within its limits, and None as None.

    Raises:
        InvalidArgumentError: It is no int, or outside the limits.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgumentError(f"{name} must be an int, not {type(value).__name__}")
    if value < low or (high is not None and value > high):
        limits = f"from {low}" if high is None else f"from {low} to {high}"
        raise InvalidArgumentError(f"{name} must be {limits}, not {value}")
    return value


def order_body(where: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a payment order, with the rules that single orders and batches share.

    Args:
        where: What stands before a field's name in messages: "" or `orders[3]: `.
        order: Its fields; those that are None are left out.

    Raises:
        InvalidArgumentError: A field is missing, unknown or wrong, or there is not exactly one
            destination.
    """
    if not isinstance(order, Mapping):
        raise InvalidArgumentError(f"{where}an order must be a dict, not {type(order).__name__}")
    unknown = sorted(
        [
            name if isinstance(name, str) else repr(name)
            for name in order
            if not (isinstance(name, str) and name in _ORDER_FIELDS)
        ]
    )
    if unknown:
        # A misspelt scheduled_for would pay at once.
        raise InvalidArgumentError(
            f"{where}an order has no {', '.join(unknown)}; its fields are "
            f"{', '.join(sorted(_ORDER_FIELDS))}"
        )
    body = {name: value for name, value in order.items() if value is not None}
    for name in ("amount", "currency", "description"):
        if name not in body:
            raise InvalidArgumentError(f"{where}{name} is missing")
    if ("destination_payment_method_id" in body) == ("beneficiary" in body):
        raise InvalidArgumentError(
            f"{where}pass either destination_payment_method_id or beneficiary"
        )
    body["amount"] = amount_text(f"{where}amount", body["amount"])
    if "scheduled_for" in body:
        body["scheduled_for"] = moment_text(f"{where}scheduled_for", body["scheduled_for"])
    return body


def as_given(name: str, value: Any) -> Any:
    """Return a value that is passed on to the server as it is."""
    return value


def optional_id(name: str, value: Optional[types.Id]) -> Optional[str]:
    """Return an id as text, and None as None.

    Raises:
        InvalidArgumentError: It is no str and no UUID.
    """
    return None if value is None else id_text(name, value)


def cursor_text(name: str, value: Optional[types.Id]) -> Optional[str]:
    """Return a cursor, and None as None.

    Raises:
        InvalidArgumentError: It is empty: a column that holds no cursor yet is no place to begin.
    """
    if isinstance(value, str) and not value:
        raise InvalidArgumentError(f"{name} is empty: pass None to start at the beginning")
    return optional_id(name, value)


def only_given(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def one_cursor(
    page: Optional[int],
    transactions_after_id: Optional[types.Id],
    transactions_before_id: Optional[types.Id],
) -> dict[str, Any]:
    """Return where a list of transactions is to begin.

    Raises:
        InvalidArgumentError: Both cursors were passed, which the server refuses, or `page` is no
            page number.
    """
    if transactions_after_id is not None and transactions_before_id is not None:
        raise InvalidArgumentError(
            "pass either transactions_after_id or transactions_before_id, not both"
        )
    return {
        "page": whole_number("page", page, 1),
        "transactions_after_id": cursor_text("transactions_after_id", transactions_after_id),
        "transactions_before_id": cursor_text("transactions_before_id", transactions_before_id),
    }
