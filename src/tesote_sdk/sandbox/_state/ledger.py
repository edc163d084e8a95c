"""One account's transactions: in order, and as a log of what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Change = Literal["added", "modified", "removed"]


@dataclass
class Transaction:
    """A bank transaction. Moments are epoch seconds, amounts signed cents."""

    __slots__ = (
        "account_id",
        "amount_cents",
        "categories",
        "counterparty",
        "created_at",
        "currency",
        "date",
        "description",
        "external_id",
        "id",
        "imported_at",
        "note",
        "running_balance_cents",
        "status",
        "updated_at",
    )
    id: str
    account_id: str
    status: str
    amount_cents: int
    currency: str
    description: str | None
    date: str
    created_at: float
    note: str | None
    external_id: str | None
    running_balance_cents: int | None
    imported_at: float
    updated_at: float
    categories: Sequence[str]
    counterparty: dict[str, Any] | None

    @property
    def key(self) -> tuple[str, float, str]:
        """What orders transactions: date, then creation, then id; the greatest comes first."""
        return (self.date, self.created_at, self.id)


class Ledger:
    """The transactions of an account, newest first, and the log of their changes.

    The log starts with one addition for each transaction, oldest first, and only ever grows: a
    position in it means the same for ever.

    Args:
        transactions: What the account starts with, newest first.
    """

    def __init__(self, transactions: list[Transaction]) -> None:
        self._live = transactions
        self._removed: list[Transaction] = []
        self._by_id = {transaction.id: transaction for transaction in transactions}
        self.log: list[tuple[Change, Transaction]] = [
            ("added", transaction) for transaction in reversed(transactions)
        ]

    def find(self, transaction_id: str) -> Transaction | None:
        """The transaction, removed or not; None where there is none."""
        return self._by_id.get(transaction_id)

    def is_removed(self, transaction: Transaction) -> bool:
        """Whether the transaction was removed."""
        position = _position(self._removed, transaction)
        return position < len(self._removed) and self._removed[position] is transaction

    def rows(self, *, removed: bool = False) -> list[Transaction]:
        """The transactions, or the removed ones, newest first. Not to be changed."""
        return self._removed if removed else self._live

    def older(self, cursor: Transaction, *, removed: bool = False) -> Iterator[Transaction]:
        """What follows the cursor, newest first."""
        rows = self.rows(removed=removed)
        start = _position(rows, cursor)
        for index in range(start, len(rows)):
            if rows[index] is not cursor:
                yield rows[index]

    def newer(self, cursor: Transaction, *, removed: bool = False) -> Iterator[Transaction]:
        """What precedes the cursor, the nearest first."""
        rows = self.rows(removed=removed)
        for index in range(_position(rows, cursor) - 1, -1, -1):
            yield rows[index]

    def add(self, transaction: Transaction) -> None:
        """Enters a new transaction."""
        self._live.insert(_position(self._live, transaction), transaction)
        self._by_id[transaction.id] = transaction
        self.log.append(("added", transaction))

    def note_change(self, transaction: Transaction) -> None:
        """Logs that a transaction was changed in place."""
        self.log.append(("modified", transaction))

    def remove(self, transaction: Transaction) -> None:
        """Takes a transaction out; it is then found with `removed=True`."""
        del self._live[_position(self._live, transaction)]
        self._removed.insert(_position(self._removed, transaction), transaction)
        self.log.append(("removed", transaction))


def _position(rows: list[Transaction], transaction: Transaction) -> int:
    # bisect knows neither keys (before 3.10) nor descending order.
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        if rows[middle].key > transaction.key:
            low = middle + 1
        else:
            high = middle
    return low
