"""What happens behind the API: in the workspace, and at the banks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._endpoints.transactions import transaction_object
from ._settings import check_choice
from ._state import bank, order_states
from ._state.records import AccountState, OrderStatus, SessionOutcome
from ._wire import webhooks
from ._wire.webhooks import WebhookFamily

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._state.ledger import Transaction
    from ._state.records import Account
    from ._state.store import Store


class WorkspaceControls:
    """The part of a sandbox that makes things happen behind the API."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def account_ids(self) -> list[str]:
        """The ids of all accounts, in the order they are listed."""
        return list(self._store.accounts)

    def add_api_key(self, api_key: str) -> None:
        """Makes one more key valid, or a revoked one valid again."""
        with self._store.lock:
            self._store.add_api_key(api_key)

    def revoke_api_key(self, api_key: str) -> None:
        """Makes a key answer 401 API_KEY_REVOKED.

        Raises:
            KeyError: The key was never valid.
        """
        with self._store.lock:
            self._store.api_keys[api_key].revoked = True

    @property
    def category_ids(self) -> dict[str, str]:
        """The ids of the categories by their names, for the `category_id` filter."""
        return dict(self._store.category_ids)

    def post_transaction(
        self,
        account_id: str,
        *,
        amount_cents: int,
        description: str | None = None,
        status: str = "pending",
        date: str | None = None,
        counterparty: str | None = None,
        category: str | None = None,
    ) -> dict[str, Any]:
        """Posts a transaction at the bank; the next sync has it in `added`.

        Args:
            account_id: The account.
            amount_cents: Signed cents, negative for a debit.
            description: The bank's text.
            status: `"pending"`, for `settle` to complete, or any other.
            date: `YYYY-MM-DD`; None means today where the account is.
            counterparty: The name of the other party.
            category: The name of its category.

        Returns:
            The transaction as the API shows it.

        Raises:
            KeyError: There is no such account.
        """
        with self._store.lock:
            account = self._store.accounts[account_id]
            transaction = bank.post(
                self._store,
                account,
                amount_cents=amount_cents,
                description=description,
                status=status,
                counterparty=counterparty,
                categories=() if category is None else (category,),
                date=date,
            )
            return transaction_object(self._store, account, transaction)

    def settle(self, transaction_id: str) -> None:
        """Completes a transaction; the next sync has it in `modified`.

        Raises:
            KeyError: There is no such transaction, or it was removed.
        """
        with self._store.lock:
            bank.settle(self._store, *self._transaction(transaction_id))

    def remove(self, transaction_id: str) -> None:
        """Takes a transaction back; the next sync has it in `removed`, `scope=deleted` lists it.

        Raises:
            KeyError: There is no such transaction, or it was removed.
        """
        with self._store.lock:
            bank.remove(self._store, *self._transaction(transaction_id))

    def set_account_state(self, account_id: str, state: AccountState) -> None:
        """Changes how an account answers.

        Args:
            account_id: The account.
            state: `"active"`, as at the start; `"disabled"` (403 ACCOUNT_DISABLED);
                `"disconnected"` (its syncs answer 404 BANK_CONNECTION_NOT_FOUND);
                `"under_maintenance"` (a new sync answers 503 BANK_UNDER_MAINTENANCE).

        Raises:
            KeyError: There is no such account.
            ValueError: There is no such state.
        """
        check_choice("state", state, AccountState)
        with self._store.lock:
            self._store.accounts[account_id].state = state

    def script_sync_session(
        self,
        outcome: SessionOutcome = "completed",
        *,
        polls: int = 2,
        account_id: str | None = None,
    ) -> None:
        """Decides how the next bank sync that is started goes.

        Args:
            outcome: How it ends: `"completed"`, `"failed"` or `"skipped"`.
            polls: How many reads of the session it takes to get there; at least 1.
            account_id: Only a sync of this account; None means of any.

        Raises:
            ValueError: `polls` is less than 1, or there is no such outcome.
        """
        check_choice("outcome", outcome, SessionOutcome)
        if polls < 1:
            raise ValueError(f"polls must be at least 1; got {polls!r}")
        with self._store.lock:
            self._store.scripted_sessions.append((account_id, outcome, polls))

    def set_order_status(self, order_id: str, status: OrderStatus) -> None:
        """Puts a transaction order into a status, as a colleague or the bank would.

        Raises:
            KeyError: There is no such order.
            ValueError: There is no such status.
        """
        check_choice("status", status, OrderStatus)
        with self._store.lock:
            order_states.set_status(self._store, self._store.orders[order_id], status)

    def deliver_webhook(
        self,
        url: str,
        event: str,
        data: Mapping[str, Any],
        *,
        secret: str,
        family: WebhookFamily = "openapi",
    ) -> int:
        """Posts a signed webhook delivery to a receiver, once.

        Args:
            url: The receiver, http or https.
            event: The event's name: `"sync.updates_available"`.
            data: The `data` member of the body.
            secret: The HMAC secret of the subscription.
            family: Whose header names: `"openapi"` (`X-Tesote-Webhook-Signature`...) or
                `"connector"` (`X-Tesote-Signature`...).

        Returns:
            The HTTP status of the receiver's answer.

        Raises:
            ValueError: `url` is no http or https URL, or there is no such family.
            OSError: The receiver cannot be reached, or is silent for 10 seconds.
            http.client.HTTPException: The receiver's answer is not HTTP.
        """
        check_choice("family", family, WebhookFamily)
        now = self._store.now()
        return webhooks.deliver(url, event, data, secret=secret, family=family, now=now)

    def _transaction(self, transaction_id: str) -> tuple[Account, Transaction]:
        found = self._store.find_transaction(transaction_id)
        if found is None:
            raise KeyError(transaction_id)
        return found
