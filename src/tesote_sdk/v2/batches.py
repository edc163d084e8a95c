"""Batches: payment orders that are made, approved, submitted and cancelled together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from .._arguments import only_given, order_body
from .._error_base import operation
from .._hints import types
from .._resource import Resource, json_object
from ..errors import InvalidArgumentError
from ..transport.encoding import path_segment


class Batches(Resource):
    """The batches of payment orders of an account."""

    @operation
    def create(
        self,
        account_id: types.Id,
        orders: Sequence[types.BatchOrder],
        *,
        idempotency_key: Optional[str] = None,
    ) -> types.BatchCreated:
        """Create a batch of payment orders as drafts: no money moves until it is submitted.

        Args:
            account_id: The account that pays.
            orders: The orders. Fields and rules are those of `transaction_orders.create`, except
                that an order of a batch has no idempotency key of its own.
            idempotency_key: Names this batch. None makes a UUIDv4.

        Returns:
            `batch_id`, the `orders` that were made, and `errors`: which ones were not, and why.
            Check both: the batch is created even if some of its orders are refused.

        Raises:
            InvalidArgumentError: There is no order, or one cannot be sent; the message names its
                index. Nothing was sent.
            BatchValidationError: The server rejected the batch as a whole.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        if not isinstance(orders, Sequence) or not orders:
            raise InvalidArgumentError("orders must be a list with at least one order")
        return self._call(
            "POST",
            f"/v2/accounts/{path_segment('account_id', account_id)}/batches",
            json_object("batch_id"),
            body={
                "orders": [
                    order_body(f"orders[{index}]: ", order) for index, order in enumerate(orders)
                ]
            },
            idempotency_key=idempotency_key,
            operation="batches.create",
        )

    @operation
    def get(
        self,
        account_id: types.Id,
        batch_id: types.Id,
        *,
        cache_ttl: Optional[float] = None,
    ) -> types.Batch:
        """Get a batch with its orders.

        Args:
            account_id: The account that pays.
            batch_id: The batch.
            cache_ttl: Seconds for which the response may answer a repeat. None always asks the
                server.

        Raises:
            InvalidArgumentError: An id is empty or not a str; nothing was sent.
            BatchNotFoundError: No such batch.
            ApiError: The server refused.
            TransportError: No usable answer came back.
        """
        return self._call(
            "GET",
            _batch(account_id, batch_id),
            json_object("batch_id", batch_id=batch_id),
            cache_ttl=cache_ttl,
            operation="batches.get",
        )

    @operation
    def approve(
        self,
        account_id: types.Id,
        batch_id: types.Id,
        *,
        idempotency_key: Optional[str] = None,
    ) -> types.BatchApproved:
        """Approve the orders of a batch; `get` shows their status afterwards.

        Args:
            account_id: The account that pays.
            batch_id: The batch.
            idempotency_key: Names this approval. None makes a UUIDv4.

        Returns:
            How many were `approved`, and for how many that `failed`.

        Raises:
            InvalidArgumentError: An id is empty or not a str; nothing was sent.
            InvalidOrderStateError: The status of the orders does not allow it.
            BatchNotFoundError: No such batch.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        return self._call(
            "POST",
            f"{_batch(account_id, batch_id)}/approve",
            json_object("approved", batch_id=batch_id),
            idempotency_key=idempotency_key,
            operation="batches.approve",
        )

    @operation
    def submit(
        self,
        account_id: types.Id,
        batch_id: types.Id,
        *,
        token: Optional[str] = None,
        idempotency_key: Optional[str] = None,
    ) -> types.BatchSubmitted:
        """Hand the orders of a batch to the bank: money moves.

        Args:
            account_id: The account that pays.
            batch_id: The batch.
            token: The one-time code that the bank asks for, if it does.
            idempotency_key: Names this submission. None makes a UUIDv4.

        Returns:
            How many were `enqueued`, and how many `failed` to be.

        Raises:
            InvalidArgumentError: An id is empty or not a str; nothing was sent.
            InvalidOrderStateError: The status of the orders does not allow it.
            BankSubmissionError: The bank refused.
            BatchNotFoundError: No such batch.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        return self._call(
            "POST",
            f"{_batch(account_id, batch_id)}/submit",
            json_object("enqueued", batch_id=batch_id),
            body=only_given(token=token),
            idempotency_key=idempotency_key,
            operation="batches.submit",
        )

    @operation
    def cancel(
        self,
        account_id: types.Id,
        batch_id: types.Id,
        *,
        idempotency_key: Optional[str] = None,
    ) -> types.BatchCancelled:
        """Cancel the orders of a batch that the bank does not have yet.

        Args:
            account_id: The account that pays.
            batch_id: The batch.
            idempotency_key: Names this cancellation. None makes a UUIDv4.

        Returns:
            How many were `cancelled`, how many `skipped`, and `errors`: why.

        Raises:
            InvalidArgumentError: An id is empty or not a str; nothing was sent.
            InvalidOrderStateError: The status of the orders does not allow it.
            BatchNotFoundError: No such batch.
            ApiError: The server refused.
            TransportError: No usable answer came back; see `outcome_unknown`.
        """
        return self._call(
            "POST",
            f"{_batch(account_id, batch_id)}/cancel",
            json_object("cancelled", batch_id=batch_id),
            idempotency_key=idempotency_key,
            operation="batches.cancel",
        )


def _batch(account_id: types.Id, batch_id: types.Id) -> str:
    account = path_segment("account_id", account_id)
    return f"/v2/accounts/{account}/batches/{path_segment('batch_id', batch_id)}"
