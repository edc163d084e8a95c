"""Which transactions a request asks for: dates, scope and the filters of v2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Callable

from .._wire.errors import Refusal, unprocessable
from .._wire.moments import is_date, parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .._state.ledger import Transaction
    from .._state.store import Store

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,8})?")

Test = Callable[["Transaction"], bool]


@dataclass(frozen=True)
class Filter:
    """What a transaction must satisfy, and whether the removed ones are looked at instead."""

    removed: bool
    tests: tuple[Test, ...]

    def of(self, transactions: Iterable[Transaction]) -> Iterator[Transaction]:
        """The transactions that pass every test."""
        tests = self.tests
        return (row for row in transactions if all(test(row) for test in tests))


def date_filter(query: Mapping[str, str]) -> Filter:
    """`start_date` and `end_date`, inclusive and together, and `scope`.

    Raises:
        Refusal: INVALID_DATE_RANGE, or UNPROCESSABLE_CONTENT for the scope.
    """
    scope = query.get("scope", "")
    if scope not in ("", "deleted"):
        raise unprocessable("scope can only be deleted")
    start, end = query.get("start_date", ""), query.get("end_date", "")
    if not start and not end:
        return Filter(scope == "deleted", ())
    if not (is_date(start) and is_date(end)):
        raise Refusal("start_date and end_date go together, YYYY-MM-DD", "INVALID_DATE_RANGE")
    if start > end:
        raise Refusal("start_date is after end_date", "INVALID_DATE_RANGE")
    return Filter(scope == "deleted", (lambda row: start <= row.date <= end,))


def full_filter(store: Store, query: Mapping[str, str]) -> Filter:
    """The dates and scope, and every filter that v2 knows besides.

    Raises:
        Refusal: A value that cannot be read.
    """
    dates = date_filter(query)
    tests = [
        make(store, name, query[name]) for name, make in _FILTERS.items() if query.get(name, "")
    ]
    return Filter(dates.removed, (*dates.tests, *tests))


def text_test(text: str) -> Test:
    """Whether the description or the counterparty's name contains a text, in any case."""
    needle = text.casefold()

    def contains(row: Transaction) -> bool:
        name = "" if row.counterparty is None else row.counterparty["name"]
        return needle in (row.description or "").casefold() or needle in name.casefold()

    return contains


def _date(name: str, text: str) -> str:
    if not is_date(text[:10]) or parse_moment(text) is None:
        raise Refusal(f"{name} is not a date", "INVALID_DATE_RANGE")
    return text[:10]


def _moment(name: str, text: str) -> float:
    epoch = parse_moment(text)
    if epoch is None:
        raise unprocessable(f"{name} is neither a date nor a timestamp")
    return epoch


def _cents(name: str, text: str) -> Decimal:
    # The unit is documented nowhere; units of the currency is how sync and orders count.
    if not _NUMBER.fullmatch(text):
        raise unprocessable(f"{name} is not a number")
    return Decimal(text) * 100


def _date_after(_: Store, name: str, text: str) -> Test:
    date = _date(name, text)
    return lambda row: row.date >= date


def _date_before(_: Store, name: str, text: str) -> Test:
    date = _date(name, text)
    return lambda row: row.date <= date


def _created_after(_: Store, name: str, text: str) -> Test:
    epoch = _moment(name, text)
    return lambda row: row.created_at >= epoch


def _updated_after(_: Store, name: str, text: str) -> Test:
    epoch = _moment(name, text)
    return lambda row: row.updated_at >= epoch


def _amount_min(_: Store, name: str, text: str) -> Test:
    cents = _cents(name, text)
    return lambda row: row.amount_cents >= cents


def _amount_max(_: Store, name: str, text: str) -> Test:
    cents = _cents(name, text)
    return lambda row: row.amount_cents <= cents


def _amount(_: Store, name: str, text: str) -> Test:
    cents = _cents(name, text)
    return lambda row: row.amount_cents == cents


def _status(_: Store, __: str, text: str) -> Test:
    return lambda row: row.status == text


def _category(store: Store, _: str, text: str) -> Test:
    names = [name for name, category_id in store.category_ids.items() if category_id == text]
    return lambda row: any(name in row.categories for name in names)


def _counterparty(_: Store, __: str, text: str) -> Test:
    return lambda row: row.counterparty is not None and row.counterparty["id"] == text


def _text(_: Store, __: str, text: str) -> Test:
    return text_test(text)


def _kind(_: Store, __: str, text: str) -> Test:
    kind = text.lower()
    return lambda row: kind == ("debit" if row.amount_cents < 0 else "credit")


def _reference(_: Store, __: str, text: str) -> Test:
    return lambda row: row.external_id == text


_FILTERS: dict[str, Callable[[Store, str, str], Test]] = {
    "transaction_date_after": _date_after,
    "transaction_date_before": _date_before,
    "created_after": _created_after,
    "updated_after": _updated_after,
    "amount_min": _amount_min,
    "amount_max": _amount_max,
    "amount": _amount,
    "status": _status,
    "category_id": _category,
    "counterparty_id": _counterparty,
    "q": _text,
    "type": _kind,
    "reference_code": _reference,
}
