"""What happens at the bank: transactions are posted, settle and vanish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._wire.moments import day
from .ledger import Transaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .records import Account
    from .store import Store


def post(
    store: Store,
    account: Account,
    *,
    amount_cents: int,
    description: str | None,
    status: str,
    counterparty: str | None = None,
    categories: Sequence[str] = (),
    date: str | None = None,
) -> Transaction:
    """Enters a new transaction; the account's balance moves with it."""
    now = store.now()
    account.balance_cents += amount_cents
    account.updated_at = now
    transaction_id = store.new_transaction_id(account)
    transaction = Transaction(
        id=transaction_id,
        account_id=account.id,
        status=status,
        amount_cents=amount_cents,
        currency=account.seed.currency,
        description=description,
        date=date or day(now, account.seed.utc_offset),
        created_at=now,
        note=None,
        external_id=f"REF-{transaction_id[-10:]}",
        running_balance_cents=account.balance_cents,
        imported_at=now,
        updated_at=now,
        categories=tuple(categories),
        counterparty=(
            None
            if counterparty is None
            else {"id": store.add_counterparty(counterparty), "name": counterparty}
        ),
    )
    store.ledger(account).add(transaction)
    return transaction


def settle(store: Store, account: Account, transaction: Transaction) -> None:
    """Completes a transaction."""
    transaction.status = "completed"
    transaction.updated_at = store.now()
    store.ledger(account).note_change(transaction)


def remove(store: Store, account: Account, transaction: Transaction) -> None:
    """Takes a transaction out, and its amount out of the balance."""
    account.balance_cents -= transaction.amount_cents
    transaction.updated_at = account.updated_at = store.now()
    store.ledger(account).remove(transaction)
