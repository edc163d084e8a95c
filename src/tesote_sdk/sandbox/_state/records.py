"""The records that a store keeps. Moments are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .ledger import Ledger

AccountState = Literal["active", "disabled", "disconnected", "under_maintenance"]
OrderStatus = Literal[
    "draft",
    "pending_approval",
    "approved",
    "processing",
    "completed",
    "partially_completed",
    "failed",
    "cancelled",
]
OrderOutcome = Literal["completed", "partially_completed", "failed", "refused"]
SessionOutcome = Literal["completed", "failed", "skipped"]


@dataclass
class ApiKey:
    """An API key; a revoked one stays known."""

    id: str
    name: str
    revoked: bool = False


@dataclass(frozen=True)
class AccountSeed:
    """The fixed facts of an account."""

    id: str
    index: int
    bank_name: str | None
    name: str
    masked_number: str
    currency: str
    utc_offset: int
    identifier: str | None
    legal_entity: dict[str, Any]
    balance_cents: int
    held_cents: int
    payment_method_id: str
    created_at: float
    updated_at: float
    data_as_of: float | None


@dataclass
class Account:
    """An account: the facts it was seeded with, and what moves.

    `written` is the account as JSON, after what it was when it was written.
    """

    seed: AccountSeed
    balance_cents: int
    data_as_of: float | None
    updated_at: float
    state: AccountState = "active"
    ledger: Ledger | None = None
    sessions: list[SyncSession] | None = None
    written: tuple[object, bytes] | None = None

    @property
    def id(self) -> str:
        """The account's id."""
        return self.seed.id


@dataclass
class SyncSession:
    """A bank sync. `polls` is how many more reads it takes to end as `outcome`."""

    id: str
    status: str
    started_at: float
    outcome: SessionOutcome = "completed"
    polls: int = 0
    completed_at: float | None = None
    transactions_synced: int = 0

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.status in ("pending", "started")


@dataclass
class PaymentMethod:
    """A way to pay: from an account of ours, or to a counterparty."""

    id: str
    method_type: str
    currency: str
    label: str | None
    details: dict[str, Any]
    created_at: float
    updated_at: float
    counterparty_id: str | None = None
    account_id: str | None = None
    verified_at: float | None = None
    last_used_at: float | None = None
    deleted: bool = False


@dataclass
class Attempt:
    """One attempt to have the bank carry out an order."""

    id: str
    number: int
    submitted_at: float
    status: str = "submitted"
    external_reference: str | None = None
    completed_at: float | None = None
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True)
class OrderScript:
    """What the bank makes of an order: of any, or of one of `account_id`."""

    outcome: OrderOutcome = "completed"
    polls: int = 2
    error_code: str | None = None
    error_message: str | None = None
    account_id: str | None = None


@dataclass
class Order:
    """A transaction order. `marks` says when it reached a state, by the name of its field."""

    id: str
    account_id: str
    reference: str
    amount: str
    currency: str
    description: str
    destination_id: str
    scheduled_for: str | None
    idempotency_key: str | None
    metadata: dict[str, Any] | None
    batch_id: str | None
    created_at: float
    updated_at: float
    status: OrderStatus = "draft"
    marks: dict[str, float] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    transaction_id: str | None = None
    script: OrderScript = field(default_factory=OrderScript)
    polls: int = 0


@dataclass
class Batch:
    """Orders that were created together."""

    id: str
    account_id: str
    created_at: float
    orders: list[Order]
