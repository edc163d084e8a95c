"""Payment orders: made as a draft, then submitted to the bank or cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._arguments import cursor_text, moment_text, only_given, order_body, whole_number
from .._error_base import operation
from .._resource import Resource, unwrapped
from ..page_styles import Offsets
from ..transport.encoding import path_segment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from ..pagination import Page
    from ..types import Amount, Beneficiary, OrderStatus, TransactionOrder

_NAME = "transaction_order"


class TransactionOrders(Resource):
    """The payment orders of an account."""

    @operation
    def list(
        self,
        account_id: str | UUID,
        *,
        limit: int | None = None,
        offset: int | None = None,
        cursor: str | None = None,
        status: OrderStatus | None = None,
        created_after: date | str | None = None,
        created_before: date | str | None = None,
        batch_id: str | None = None,
        cache_ttl: float | None = None,
    ) -> Page[TransactionOrder]:
        """List the payment orders of an account.

        Args:
            account_id: The account that pays.
            limit: Orders a page, from 1. Default: 50; the server refuses what is above its maximum.
            offset: How many orders to pass over. Default: 0.
            cursor: Where to resume, from `Page.next_params` of a server that pages by cursor.
            status: Only those of one status, such as `processing`.
            created_after: Only those made after a day or moment (an aware datetime).
            created_before: Only those made before a day or moment.
            batch_id: Only those of one batch.
            cache_ttl: Seconds for which the response may serve a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An argument cannot be sent; nothing was.
            AccountNotFoundError: No such account, or not one that the key may see.
            InvalidLimitError: `limit` is above the server's maximum.
            ApiError: The server refused.
            TransportError: There was no usable answer.
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
        )

    @operation
    def get(
        self, account_id: str | UUID, order_id: str | UUID, *, cache_ttl: float | None = None
    ) -> TransactionOrder:
        """Get one payment order.

        Args:
            account_id: The account that pays.
            order_id: The order.
            cache_ttl: Seconds for which the response may serve a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An id is empty or no str; nothing was sent.
            TransactionOrderNotFoundError: No such order.
            ApiError: The server refused.
            TransportError: There was no usable answer.
        """
        return self._call(
            "GET",
            _order(account_id, order_id),
            unwrapped(_NAME, asked=order_id),
            cache_ttl=cache_ttl,
        )

    @operation
    def create(
        self,
        account_id: str | UUID,
        *,
        amount: Amount,
        currency: str,
        description: str,
        destination_payment_method_id: str | None = None,
        beneficiary: Beneficiary | None = None,
        scheduled_for: date | str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> TransactionOrder:
        """Make a payment order, as a draft: no money moves before it is submitted.

        The idempotency key goes out twice, as a header and as the order's own: a repeat cannot make
        a second order, whichever of the two the server honours.

        Args:
            account_id: The account that pays.
            amount: In currency units, above 0: a str (`"1530.25"`), an int or a Decimal, sent digit
                for digit. A float is refused.
            currency: Its code, such as `USD`.
            description: What the payment is for.
            destination_payment_method_id: Where the money goes; this or `beneficiary`.
            beneficiary: Whom to pay where there is no payment method yet; the server makes one.
            scheduled_for: When to pay: an aware datetime or an ISO string. None: when submitted.
            metadata: Data of your own, kept with the order.
            idempotency_key: Names this order, such as your invoice's number. None makes a UUIDv4.

        Returns:
            The order, whose status is `draft`.

        Raises:
            InvalidArgumentError: The amount is no decimal number, there is not exactly one
                destination, or another argument cannot be sent; nothing was.
            ValidationError: The server rejected the order.
            ApiError: The server refused.
            TransportError: There was no usable answer; see `outcome_unknown`.
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
        )

    @operation
    def submit(
        self,
        account_id: str | UUID,
        order_id: str | UUID,
        *,
        token: str | None = None,
        idempotency_key: str | None = None,
    ) -> TransactionOrder:
        """Hand a payment order to the bank: money moves.

        Args:
            account_id: The account that pays.
            order_id: The order.
            token: The one-time code that the bank asks for, if it does.
            idempotency_key: Names this submission. None makes a UUIDv4.

        Returns:
            The order, normally `processing`.

        Raises:
            InvalidArgumentError: An id is empty or no str; nothing was sent.
            InvalidOrderStateError: The order's status does not allow it.
            BankSubmissionError: The bank refused the order.
            TransactionOrderNotFoundError: No such order.
            ApiError: The server refused.
            TransportError: There was no usable answer; see `outcome_unknown`.
        """
        return self._call(
            "POST",
            f"{_order(account_id, order_id)}/submit",
            unwrapped(_NAME, asked=order_id),
            body=only_given(token=token),
            idempotency_key=idempotency_key,
        )

    @operation
    def cancel(
        self, account_id: str | UUID, order_id: str | UUID, *, idempotency_key: str | None = None
    ) -> TransactionOrder:
        """Cancel a payment order that the bank does not have yet.

        Args:
            account_id: The account that pays.
            order_id: The order.
            idempotency_key: Names this cancellation. None makes a UUIDv4.

        Returns:
            The order, whose status is `cancelled`.

        Raises:
            InvalidArgumentError: An id is empty or no str; nothing was sent.
            InvalidOrderStateError: It is with the bank already, or has ended.
            TransactionOrderNotFoundError: No such order.
            ApiError: The server refused.
            TransportError: There was no usable answer; see `outcome_unknown`.
        """
        return self._call(
            "POST",
            f"{_order(account_id, order_id)}/cancel",
            unwrapped(_NAME, asked=order_id),
            idempotency_key=idempotency_key,
        )


def _orders(account_id: str | UUID) -> str:
    return f"/v2/accounts/{path_segment('account_id', account_id)}/transaction_orders"


def _order(account_id: str | UUID, order_id: str | UUID) -> str:
    return f"{_orders(account_id)}/{path_segment('order_id', order_id)}"
