"""Payment orders, batches of them, and the payment methods they draw on and pay to.

The input types are what a method takes; every other type is what the server sends.
Source: https://equipo.tesote.com/api/docs?version=v2, "Transaction orders", "Payment methods".
"""

import datetime
from collections.abc import Mapping
from typing import Any, Literal, Optional, Union

from tesote_sdk.types._typed_dict import TypedDict
from tesote_sdk.types.money import Amount, ReceivedAmount

# Where a payment order stands: draft, pending_approval, approved, processing, then one of
# completed, partially_completed and failed. The first three can still be cancelled.
OrderStatus = Union[
    Literal[
        "draft",
        "pending_approval",
        "approved",
        "processing",
        "completed",
        "partially_completed",
        "failed",
        "cancelled",
    ],
    str,
]

# Where one attempt to carry out an order at the bank stands.
AttemptStatus = Union[Literal["pending", "submitted", "failed", "succeeded"], str]

# Where a batch stands as a whole; `mixed` when its orders differ.
BatchStatus = Union[Literal["draft", "mixed", "approved", "processing", "completed"], str]

# The rail that a payment method uses.
PaymentMethodType = Union[
    Literal["bank_account", "pago_movil", "wire", "crypto_wallet", "fx_rail", "ach", "eft"], str
]


# --- payment orders ---------------------------------------------------------------------------


class SourceAccount(TypedDict):
    """Where the money comes from.

    Attributes:
        id: UUID of the account.
        name: The account's display name.
        payment_method_id: UUID of the payment method that draws on it.
    """

    id: str
    name: str
    payment_method_id: str


class OrderDestination(TypedDict):
    """Where the money goes.

    Attributes:
        payment_method_id: UUID of the payment method that is paid to.
        counterparty_id: UUID of the party that is paid, when known.
        counterparty_name: Display name of the party that is paid, when known.
    """

    payment_method_id: str
    counterparty_id: Optional[str]
    counterparty_name: Optional[str]


class OrderFee(TypedDict):
    """What an order costs.

    Attributes:
        amount: In currency units, not cents.
        currency: Currency code, such as `USD` or `VES`.
    """

    amount: ReceivedAmount
    currency: str


class OrderTesoteTransaction(TypedDict):
    """The transaction that an order created when it was submitted.

    Attributes:
        id: UUID of the transaction.
        status: Its status, such as `pending_confirmation`.
    """

    id: str
    status: str


class OrderAttempt(TypedDict):
    """One attempt to carry out an order at the bank.

    Attributes:
        id: UUID of the attempt.
        status: Where it stands.
        attempt_number: The first is 1.
        external_reference: The bank's reference.
        submitted_at: ISO 8601 timestamp; None before the bank was asked.
        completed_at: ISO 8601 timestamp; None before the bank answered.
        error_code: Why it failed, for programs; None unless it did.
        error_message: Why it failed, for people; None unless it did.
    """

    id: str
    status: AttemptStatus
    attempt_number: int
    external_reference: Optional[str]
    submitted_at: Optional[str]
    completed_at: Optional[str]
    error_code: Optional[str]
    error_message: Optional[str]


class _TransactionOrderRequired(TypedDict):
    id: str
    status: OrderStatus
    amount: ReceivedAmount
    currency: str
    description: Optional[str]
    reference: Optional[str]
    external_reference: Optional[str]
    idempotency_key: Optional[str]
    scheduled_for: Optional[str]
    approved_at: Optional[str]
    submitted_at: Optional[str]
    completed_at: Optional[str]
    failed_at: Optional[str]
    cancelled_at: Optional[str]
    source_account: SourceAccount
    destination: OrderDestination
    fee: Optional[OrderFee]
    execution_strategy: Optional[str]
    tesote_transaction: Optional[OrderTesoteTransaction]
    latest_attempt: Optional[OrderAttempt]
    created_at: str
    updated_at: str


class TransactionOrder(_TransactionOrderRequired, total=False):
    """A payment order.

    Attributes:
        id: UUID of the order.
        status: Where it stands; values unknown to this SDK are possible.
        amount: In currency units, not cents; always positive. A number or a decimal string:
            `Decimal(str(amount))` reads both.
        currency: Currency code, such as `USD` or `VES`.
        description: What the payment is for.
        reference: Tesote's reference.
        external_reference: The bank's reference.
        idempotency_key: The order's own key, given when it was created.
        scheduled_for: ISO 8601 timestamp; None for at once.
        approved_at: ISO 8601 timestamp; None until then.
        submitted_at: ISO 8601 timestamp; None until then.
        completed_at: ISO 8601 timestamp; None until then.
        failed_at: ISO 8601 timestamp; None unless it failed.
        cancelled_at: ISO 8601 timestamp; None unless it was cancelled.
        source_account: Where the money comes from.
        destination: Where the money goes.
        fee: What it costs; None when that is nothing.
        execution_strategy: The server's name for how it is carried out.
        tesote_transaction: The transaction that submitting it created.
        latest_attempt: The last attempt at the bank.
        created_at: ISO 8601 timestamp.
        updated_at: ISO 8601 timestamp.
        batch_id: UUID of the batch it belongs to.
        metadata: The caller's own data, as it was given.
    """

    batch_id: Optional[str]
    metadata: Optional[dict[str, Any]]


class _BeneficiaryRequired(TypedDict):
    name: str


class Beneficiary(_BeneficiaryRequired, total=False):
    """Input: whom to pay if there is no payment method yet; the server creates one.

    Attributes:
        name: Name of the party that is paid.
        bank_code: The bank's national code, such as `0199`.
        account_number: The account that is paid to.
        identification_type: Kind of the party's identification, such as `J` or `V`.
        identification_number: The party's identification.
    """

    bank_code: Optional[str]
    account_number: Optional[str]
    identification_type: Optional[str]
    identification_number: Optional[str]


# --- batches ----------------------------------------------------------------------------------


class _BatchOrderRequired(TypedDict):
    amount: Amount
    currency: str
    description: str


class BatchOrder(_BatchOrderRequired, total=False):
    """Input: one order of a new batch. Give either a payment method or a beneficiary.

    Attributes:
        amount: In currency units, not cents, and above zero: str, int or Decimal, never float.
        currency: Currency code, such as `USD` or `VES`.
        description: What the payment is for.
        destination_payment_method_id: UUID of the payment method to pay to.
        beneficiary: Whom to pay if there is no payment method yet.
        scheduled_for: When to pay, as a datetime, a date or an ISO 8601 string; None for at once.
        metadata: Data of the caller's own, kept with the order.
    """

    destination_payment_method_id: Optional[str]
    beneficiary: Optional[Beneficiary]
    scheduled_for: Union[str, datetime.date, None]
    metadata: Optional[Mapping[str, Any]]


class BatchOrderError(TypedDict, total=False):
    """Why one order of a batch was refused. Its form is not fixed: every key may be missing.

    Attributes:
        index: Position of the order in the batch; the first is 0.
        message: Why, for people. Some answers have it under `error` instead.
        error: Why, for people.
        error_code: Why, for programs, such as `INVALID_ORDER_STATE`.
        details: More, such as the messages of each field.
    """

    index: int
    message: str
    error: str
    error_code: str
    details: dict[str, Any]


class _BatchRequired(TypedDict):
    batch_id: str
    total_orders: int
    total_amount_cents: int
    amount_currency: str
    statuses: dict[str, int]
    batch_status: BatchStatus
    orders: list[TransactionOrder]


class Batch(_BatchRequired, total=False):
    """A batch of payment orders.

    Attributes:
        batch_id: UUID of the batch.
        total_orders: How many orders it has.
        total_amount_cents: Their sum, in cents (the orders' own amounts are in currency units).
        amount_currency: Currency code of the sum.
        statuses: How many orders have each status; a status that is missing has none.
        batch_status: Where the batch stands as a whole.
        orders: Its orders.
        created_at: ISO 8601 timestamp.
    """

    created_at: str


class BatchCreated(TypedDict):
    """A batch that was created, and what was left out of it.

    Attributes:
        batch_id: UUID of the batch.
        orders: The orders that were created.
        errors: Why the other orders were refused.
    """

    batch_id: str
    orders: list[TransactionOrder]
    errors: list[BatchOrderError]


class BatchApproved(TypedDict):
    """How many orders of a batch were approved.

    Attributes:
        approved: How many were approved.
        failed: How many could not be.
    """

    approved: int
    failed: int


class BatchSubmitted(TypedDict):
    """How many orders of a batch were handed on to the bank.

    Attributes:
        enqueued: How many are on their way.
        failed: How many could not be sent.
    """

    enqueued: int
    failed: int


class BatchCancelled(TypedDict):
    """How many orders of a batch were cancelled.

    Attributes:
        cancelled: How many were cancelled.
        skipped: How many were left as they are.
        errors: Why those could not be cancelled.
    """

    cancelled: int
    skipped: int
    errors: list[BatchOrderError]


# --- payment methods --------------------------------------------------------------------------


class PaymentMethodCounterparty(TypedDict):
    """The party that a destination method pays.

    Attributes:
        id: UUID of the counterparty.
        name: Display name.
    """

    id: str
    name: str


class PaymentMethodAccount(TypedDict):
    """The account that a source method draws on.

    Attributes:
        id: UUID of the account.
        name: The account's display name.
    """

    id: str
    name: str


class PaymentMethod(TypedDict):
    """A way to pay: a source (an account of yours) or a destination (a counterparty's account).

    Attributes:
        id: UUID of the payment method.
        method_type: The rail it uses; values unknown to this SDK are possible.
        currency: Currency code, such as `USD` or `VES`.
        label: The name that a user gave it.
        details: What the rail needs: `bank_code`, `account_number`, `holder_name`,
            `phone_number` and the like, different for each `method_type`.
        verified: Whether it was verified.
        verified_at: ISO 8601 timestamp; None until then.
        last_used_at: ISO 8601 timestamp; None until then.
        counterparty: The party that is paid; None on a source method.
        tesote_account: The account that is drawn on; None on a destination method.
        created_at: ISO 8601 timestamp.
        updated_at: ISO 8601 timestamp.
    """

    id: str
    method_type: PaymentMethodType
    currency: str
    label: Optional[str]
    details: dict[str, Any]
    verified: bool
    verified_at: Optional[str]
    last_used_at: Optional[str]
    counterparty: Optional[PaymentMethodCounterparty]
    tesote_account: Optional[PaymentMethodAccount]
    created_at: str
    updated_at: str


class CounterpartyInput(TypedDict):
    """Input: a counterparty to create along with a payment method.

    Attributes:
        name: Display name.
    """

    name: str
