"""Payment orders: made as a draft, then submitted to the bank or cancelled; or paid in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional, Union

from .._arguments import cursor_text, moment_text, only_given, order_body, whole_number
from .._error_base import operation
from .._hints import datetime, types
from .._polling import wait_for_end
from .._resource import Resource, unwrapped
from ..page_styles import Offsets
from ..pagination import Page
from ..transport.encoding import path_segment
from . import _payments
from ._paying import pay_once

_NAME = "transaction_order"


class TransactionOrders(Resource):
    """The payment orders of an account."""

    @operation
    def list(
        self,
        account_id: types.Id,
        *,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
        cursor: Optional[str] = None,
        status: Optional[types.OrderStatus] = None,
        created_after: Union[datetime.date, str, None] = None,
        created_before: Union[datetime.date, str, None] = None,
        batch_id: Optional[str] = None,
        cache_ttl: Optional[float] = None,
    ) -> Page[types.TransactionOrder]:
        """List the payment orders of an account.

        Args:
            account_id: The account that pays.
            limit: Orders per page, at least 1. Default: 50; the server has its own maximum.
            offset: How many orders to skip. Default: 0.
            cursor: Where to resume, from `Page.next_params` of a server that pages by cursor.
            status: Only those with this status, such as `processing`.
            created_after: Only those made after this day or moment (an aware datetime).
            created_before: Only those made before this day or moment.
            batch_id: Only those of this batch.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            AccountNotFoundError: No such account, or the key may not see it.
            InvalidLimitError: `limit` is above the server's maximum.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._list(
            _orders(account_id),
            ("items", "transaction_orders", "data"),
            Offsets,
            position={
                "offset": whole_number("offset", offset, 0),
                "cursor": cursor_text("cursor", cursor),
            },
            cache_ttl=cache_ttl,
            filters={
                "limit": whole_number("limit", limit, 1),
                "status": status,
                "created_after": moment_text("created_after", created_after),
                "created_before": moment_text("created_before", created_before),
                "batch_id": batch_id,
            },
            operation="transaction_orders.list",
        )

    @operation
    def get(
        self,
        account_id: types.Id,
        order_id: types.Id,
        *,
        cache_ttl: Optional[float] = None,
    ) -> types.TransactionOrder:
        """Get one payment order.

        Args:
            account_id: The account that pays.
            order_id: The order.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An id is empty or not a str; nothing was sent.
            TransactionOrderNotFoundError: No such order.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._call(
            "GET",
            _order(account_id, order_id),
            unwrapped(_NAME, asked=order_id),
            cache_ttl=cache_ttl,
            operation="transaction_orders.get",
        )

    @operation
    def create(
        self,
        account_id: types.Id,
        *,
        amount: types.Amount,
        currency: str,
        description: str,
        destination_payment_method_id: Optional[types.Id] = None,
        beneficiary: Optional[types.Beneficiary] = None,
        scheduled_for: Union[datetime.date, str, None] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        idempotency_key: Optional[str] = None,
    ) -> types.TransactionOrder:
        """Create a payment order as a draft: no money moves until it is submitted.

        The idempotency key goes out twice: as a header and as the order's own. While the server
        remembers either, a repeat returns what the first call returned, including the old status.

        Args:
            account_id: The account that pays.
            amount: In currency units, above 0: a str (`"1530.25"`), an int or a Decimal, sent digit
                for digit. A float is refused.
            currency: Its code, such as `USD`.
            description: What the payment is for.
            destination_payment_method_id: Where the money goes; this or `beneficiary`.
            beneficiary: Whom to pay if there is no payment method yet; the server makes one.
            scheduled_for: When to pay: an aware datetime or an ISO string. None: when submitted.
            metadata: Data of your own, kept with the order.
            idempotency_key: Names this order, such as your invoice's number. None makes a UUIDv4.

        Returns:
            The order, a `draft` when it was created; `get` shows its status now.

        Raises:
            InvalidArgumentError: The amount is not a decimal number, there is not exactly one
                destination, or another argument cannot be sent; nothing was sent.
            ValidationError: The server rejected the order.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        order = {
            "destination_payment_method_id": destination_payment_method_id,
            "beneficiary": beneficiary,
            "amount": amount,
            "currency": currency,
            "description": description,
            "scheduled_for": scheduled_for,
            "metadata": metadata,
        }
        return self._call(
            "POST",
            _orders(account_id),
            unwrapped(_NAME, key=idempotency_key),
            body={"transaction_order": order_body("", order)},
            key_in_body="transaction_order",
            idempotency_key=idempotency_key,
            operation="transaction_orders.create",
        )

    @operation
    def submit(
        self,
        account_id: types.Id,
        order_id: types.Id,
        *,
        token: Optional[str] = None,
        idempotency_key: Optional[str] = None,
    ) -> types.TransactionOrder:
        """Hand a payment order to the bank: money moves.

        Args:
            account_id: The account that pays.
            order_id: The order.
            token: The one-time code that the bank asks for, if it does.
            idempotency_key: Names this submission. None makes a UUIDv4.

        Returns:
            The order, normally `processing`.

        Raises:
            InvalidArgumentError: An id is empty or not a str; nothing was sent.
            InvalidOrderStateError: The order's status does not allow it.
            BankSubmissionError: The bank refused the order.
            TransactionOrderNotFoundError: No such order.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        return self._call(
            "POST",
            f"{_order(account_id, order_id)}/submit",
            unwrapped(_NAME, asked=order_id),
            body=only_given(token=token),
            idempotency_key=idempotency_key,
            operation="transaction_orders.submit",
        )

    @operation
    def cancel(
        self,
        account_id: types.Id,
        order_id: types.Id,
        *,
        idempotency_key: Optional[str] = None,
    ) -> types.TransactionOrder:
        """Cancel a payment order that the bank does not have yet.

        Args:
            account_id: The account that pays.
            order_id: The order.
            idempotency_key: Names this cancellation. None makes a UUIDv4.

        Returns:
            The order, whose status is `cancelled`.

        Raises:
            InvalidArgumentError: An id is empty or not a str; nothing was sent.
            InvalidOrderStateError: It is with the bank already, or has ended.
            TransactionOrderNotFoundError: No such order.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        return self._call(
            "POST",
            f"{_order(account_id, order_id)}/cancel",
            unwrapped(_NAME, asked=order_id),
            idempotency_key=idempotency_key,
            operation="transaction_orders.cancel",
        )

    @operation
    def pay(
        self,
        account_id: types.Id,
        *,
        amount: types.Amount,
        currency: str,
        description: str,
        destination_payment_method_id: Optional[types.Id] = None,
        beneficiary: Optional[types.Beneficiary] = None,
        scheduled_for: Union[datetime.date, str, None] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        token: Optional[str] = None,
        idempotency_key: str,
    ) -> types.TransactionOrder:
        """Create a payment order and submit it to the bank, once: money moves.

        After a crash or any error, call it again with the same arguments. It looks for the order,
        creates it if there is none, and submits it unless that has happened. It first walks the
        account's orders (`find_by_idempotency_key`), because a server may forget a key.

        Args:
            account_id: The account that pays.
            amount: As for `create`.
            currency: Its code, such as `USD`.
            description: What the payment is for.
            destination_payment_method_id: Where the money goes; this or `beneficiary`.
            beneficiary: Whom to pay if there is no payment method yet; the server makes one.
            scheduled_for: When to pay: an aware datetime or an ISO string. None: when submitted.
            metadata: Data of your own, kept with the order.
            token: The one-time code that the bank asks for, if it does.
            idempotency_key: Names this payment forever, such as your invoice's number.

        Returns:
            The order as it is now. The bank has it; `wait` returns how it ends.

        Raises:
            InvalidArgumentError: An argument cannot be sent, and nothing was; or the key belongs to
                an order with another amount, currency or destination, and nothing was submitted.
            InvalidOrderStateError: The order was cancelled or has failed; or it cannot be submitted
                now, for instance because it awaits approval.
            BankSubmissionError: The bank refused the order, which stays as it was.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        order: dict[str, Any] = {
            "destination_payment_method_id": destination_payment_method_id,
            "beneficiary": beneficiary,
            "amount": amount,
            "currency": currency,
            "description": description,
            "scheduled_for": scheduled_for,
            "metadata": metadata,
        }
        return pay_once(self, account_id, order, token, idempotency_key)

    @operation
    def find_by_idempotency_key(
        self, account_id: types.Id, idempotency_key: str
    ) -> Optional[types.TransactionOrder]:
        """Find the payment order that was made with a key, however long ago.

        The API cannot search by key, so this walks all orders of the account, 100 per request. To
        look for many, walk `list` once yourself and keep what you need.

        Args:
            account_id: The account that pays.
            idempotency_key: The order's own key, as it was given to `create` or `pay`.

        Returns:
            The order as the list shows it, or None if no order has the key. Cancelled ones count
            only if there is no other.

        Raises:
            InvalidArgumentError: The key is empty or not a str; or several orders have it, and the
                message names them.
            AccountNotFoundError: No such account, or the key may not see it.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        key = _payments.checked_key(idempotency_key)
        orders = self.list(account_id, limit=100)
        # By their ids: an order made during the walk moves the others on to the next page.
        found = {order["id"]: order for order in orders if order.get("idempotency_key") == key}
        return _payments.the_one(list(found.values()))

    @operation
    def wait(
        self,
        account_id: types.Id,
        order_id: types.Id,
        *,
        timeout: float = 600,
        poll_interval: float = 2,
        on_poll: Optional[Callable[[types.TransactionOrder], object]] = None,
    ) -> types.TransactionOrder:
        """Poll a payment order until it has ended, with growing pauses.

        Args:
            account_id: The account that pays.
            order_id: The order. An order that nobody submits never ends.
            timeout: Seconds to wait in all; the last poll is at their end.
            poll_interval: Seconds before the second poll; each later wait is half as long again,
                up to 30 seconds.
            on_poll: Called with each state that is seen, for a progress line.

        Returns:
            The order as it ended, whatever the end: `completed`, `partially_completed`, `failed` or
            `cancelled`. Look at its status.

        Raises:
            TimeoutError: It had not ended in time (`phase` is `"total"`); it may end later.
            InvalidArgumentError: An id, `timeout` or `poll_interval` cannot be used.
            TransactionOrderNotFoundError: No such order.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return wait_for_end(
            self._transport,
            f"the order {path_segment('order_id', order_id)}",
            lambda: self.get(account_id, order_id),
            _payments.ENDS,
            timeout=timeout,
            poll_interval=poll_interval,
            on_poll=on_poll,
        )


def _orders(account_id: types.Id) -> str:
    return f"/v2/accounts/{path_segment('account_id', account_id)}/transaction_orders"


def _order(account_id: types.Id, order_id: types.Id) -> str:
    return f"{_orders(account_id)}/{path_segment('order_id', order_id)}"
