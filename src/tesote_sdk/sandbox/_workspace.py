"""What happens behind the API: in the workspace, and at the banks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ._endpoints.payment_methods import CURRENCY
from ._endpoints.transactions import transaction_object
from ._settings import check_choice
from ._state import bank, order_states
from ._state.ledger import Transaction
from ._state.records import (
    Account,
    AccountState,
    OrderOutcome,
    OrderScript,
    OrderStatus,
    SessionOutcome,
)
from ._state.store import Store
from ._wire import webhooks
from ._wire.webhooks import WebhookFamily


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

    def add_account(self, *, currency: str = "USD", balance_cents: int = 0) -> str:
        """Opens one more account, without transactions; `post_transaction` enters some.

        Args:
            currency: Its currency, three to five capital letters.
            balance_cents: Signed cents, all of them available.

        Returns:
            Its id. The account is the last one listed.

        Raises:
            ValueError: `currency` is no currency code, or `balance_cents` is no whole number.
        """
        if not CURRENCY.fullmatch(currency):
            raise ValueError(f"currency must be a code such as 'USD'; got {currency!r}")
        if isinstance(balance_cents, bool) or not isinstance(balance_cents, int):
            raise ValueError(f"balance_cents must be a whole number; got {balance_cents!r}")
        with self._store.lock:
            return self._store.add_account(currency, balance_cents).id

    def post_transaction(
        self,
        account_id: str,
        *,
        amount_cents: int,
        description: Optional[str] = None,
        status: str = "pending",
        date: Optional[str] = None,
        counterparty: Optional[str] = None,
        category: Optional[str] = None,
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
        account_id: Optional[str] = None,
    ) -> None:
        """Decides how the next bank sync that is started goes.

        Args:
            outcome: How it ends: `"completed"`, `"failed"` or `"skipped"`.
            polls: How many reads of the session, or of its account, it takes to get there; at
                least 1.
            account_id: Only a sync of this account; None means of any.

        Raises:
            KeyError: There is no such account.
            ValueError: `polls` is less than 1, or there is no such outcome.
        """
        check_choice("outcome", outcome, SessionOutcome)
        _check_polls(polls)
        with self._store.lock:
            self._check_account(account_id)
            self._store.scripted_sessions.append((account_id, outcome, polls))

    def script_order(
        self,
        outcome: OrderOutcome = "completed",
        *,
        polls: int = 2,
        error_code: Optional[str] = None,
        error_message: Optional[str] = None,
        account_id: Optional[str] = None,
    ) -> None:
        """Decides what the bank makes of the next transaction order that is created.

        Scripts are used in the order they were added, one for each order, those of a batch too.

        Args:
            outcome: `"refused"`: its first submission answers 422 BANK_SUBMISSION_ERROR and it
                stays what it was; a second one is taken. Else the bank takes it, and it ends as
                `"completed"`, `"partially_completed"` or `"failed"`.
            polls: How many reads of the submitted order it takes to end; at least 1.
            error_code: The bank's code in `latest_attempt`, where it is refused or fails; any.
            error_message: The bank's text, likewise.
            account_id: Only an order of this account; None means of any.

        Raises:
            KeyError: There is no such account.
            ValueError: `polls` is less than 1, there is no such outcome, or an error was given for
                an outcome that is none.
        """
        check_choice("outcome", outcome, OrderOutcome)
        _check_polls(polls)
        _check_error(outcome, error_code, error_message)
        script = OrderScript(outcome, polls, error_code, error_message, account_id)
        with self._store.lock:
            self._check_account(account_id)
            self._store.scripted_orders.append(script)

    def set_order_status(
        self,
        order_id: str,
        status: OrderStatus,
        *,
        error_code: Optional[str] = None,
        error_message: Optional[str] = None,
    ) -> None:
        """Puts a transaction order into a status, as a colleague or the bank would.

        Args:
            order_id: The order.
            status: Its new status, any.
            error_code: The bank's code in `latest_attempt`, where `status` is `"failed"`; any.
            error_message: The bank's text, likewise.

        Raises:
            KeyError: There is no such order.
            ValueError: There is no such status, or an error was given for one that is none.
        """
        check_choice("status", status, OrderStatus)
        _check_error(status, error_code, error_message)
        with self._store.lock:
            order = self._store.orders[order_id]
            order_states.set_status(self._store, order, status, error_code, error_message)

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

    def _check_account(self, account_id: Optional[str]) -> None:
        # A script for an account that is misspelled would wait for ever, and say nothing.
        if account_id is not None and account_id not in self._store.accounts:
            raise KeyError(account_id)

    def _transaction(self, transaction_id: str) -> tuple[Account, Transaction]:
        found = self._store.find_transaction(transaction_id)
        if found is None:
            raise KeyError(transaction_id)
        return found


def _check_polls(polls: int) -> None:
    if polls < 1:
        raise ValueError(f"polls must be at least 1; got {polls!r}")


def _check_error(end: str, error_code: Optional[str], error_message: Optional[str]) -> None:
    if end not in ("failed", "refused") and (error_code, error_message) != (None, None):
        raise ValueError(f"error_code and error_message say why an order failed, not {end!r}")
