"""Everything a sandbox knows: keys, accounts, their ledgers, payments. One lock guards it all."""

from __future__ import annotations

import threading
from random import Random
from typing import Optional

from .._settings import Settings
from .._wire.errors import Refusal
from .._wire.locks import HomeLock
from . import seed
from .idempotency import IdempotencyKeys
from .ledger import Ledger, Transaction
from .records import (
    Account,
    AccountSeed,
    ApiKey,
    Batch,
    Order,
    OrderScript,
    PaymentMethod,
    SessionOutcome,
)


class Store:
    """The state of a sandbox.

    Whoever reads or changes it holds `lock`, and does no input or output meanwhile.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings: Settings = settings
        self._home = HomeLock()
        self.idempotency: IdempotencyKeys = IdempotencyKeys()
        self.api_keys: dict[str, ApiKey] = {}
        self.orders: dict[str, Order] = {}
        self.batches: dict[str, Batch] = {}
        self.scripted_orders: list[OrderScript] = []
        self.scripted_sessions: list[tuple[Optional[str], SessionOutcome, int]] = []
        self._random = Random(f"{settings.seed}/new")
        self.today: float = settings.clock() // seed.DAY * seed.DAY
        self.workspace_id: str = seed.uuid_of(settings.seed, "workspace")
        self.counterparties: dict[str, str] = seed.counterparties(settings.seed)
        self.category_ids: dict[str, str] = {
            name: seed.uuid_of(settings.seed, "category", name) for name in seed.CATEGORIES
        }
        facts = [
            seed.account_seed(settings.seed, index, self.today)
            for index in range(settings.accounts)
        ]
        self.accounts: dict[str, Account] = {}
        self._account_by_prefix: dict[str, Account] = {}
        for each in facts:
            self._enter(each)
        self.payment_methods: dict[str, PaymentMethod] = {
            method.id: method
            for method in (
                *seed.source_methods(facts),
                *seed.destination_methods(settings.seed, self.counterparties, self.today),
            )
        }

    @property
    def lock(self) -> threading.Lock:
        """What guards it all.

        Raises:
            RuntimeError: This is a fork of the process that made it.
        """
        return self._home.lock

    def now(self) -> float:
        """Epoch seconds by the clock of the sandbox."""
        return self.settings.clock()

    def new_id(self) -> str:
        """A UUID for something new; the same sequence for the same seed."""
        return seed.new_uuid(self._random)

    def new_transaction_id(self, account: Account) -> str:
        """An id for a new transaction of an account."""
        return seed.id_prefix(account.id) + self.new_id()[8:]

    def add_api_key(self, api_key: str) -> None:
        """Makes a key valid."""
        name = f"key {len(self.api_keys) + 1}"
        self.api_keys[api_key] = ApiKey(seed.uuid_of(self.settings.seed, name), name)

    def add_account(self, currency: str, balance_cents: int) -> Account:
        """Opens an account, without transactions so far."""
        facts = seed.new_account_seed(
            self.settings.seed, len(self.accounts), self.now(), currency, balance_cents
        )
        for method in seed.source_methods([facts]):
            self.payment_methods[method.id] = method
        account = self._enter(facts)
        account.ledger = Ledger([])
        return account

    def _enter(self, facts: AccountSeed) -> Account:
        account = Account(facts, facts.balance_cents, facts.data_as_of, facts.updated_at)
        self.accounts[facts.id] = self._account_by_prefix[seed.id_prefix(facts.id)] = account
        return account

    def account(self, account_id: str) -> Account:
        """The account.

        Raises:
            Refusal: ACCOUNT_NOT_FOUND or ACCOUNT_DISABLED.
        """
        account = self.accounts.get(account_id)
        if account is None:
            raise Refusal("No such account", "ACCOUNT_NOT_FOUND")
        if account.state == "disabled":
            raise Refusal("The account is disabled", "ACCOUNT_DISABLED")
        return account

    def ledger(self, account: Account) -> Ledger:
        """The account's ledger, made when it is first asked for."""
        if account.ledger is None:
            settings = self.settings
            account.ledger = Ledger(
                seed.transaction_seeds(
                    settings.seed, account.seed, settings.transactions, self.today
                )
            )
        return account.ledger

    def transaction(self, transaction_id: str) -> tuple[Account, Transaction]:
        """A transaction that was not removed, and its account.

        Raises:
            Refusal: TRANSACTION_NOT_FOUND or ACCOUNT_DISABLED.
        """
        found = self.find_transaction(transaction_id)
        if found is None:
            raise Refusal("No such transaction", "TRANSACTION_NOT_FOUND")
        account, transaction = found
        return self.account(account.id), transaction

    def find_transaction(self, transaction_id: str) -> Optional[tuple[Account, Transaction]]:
        """As `transaction`, with None for what is not there and no eye for the account's state."""
        account = self._account_by_prefix.get(transaction_id[:8])
        if account is None:
            return None
        ledger = self.ledger(account)
        transaction = ledger.find(transaction_id)
        if transaction is None or ledger.is_removed(transaction):
            return None
        return account, transaction

    def payment_method(self, method_id: str) -> PaymentMethod:
        """A payment method that was not deleted.

        Raises:
            Refusal: PAYMENT_METHOD_NOT_FOUND.
        """
        method = self.payment_methods.get(method_id)
        if method is None or method.deleted:
            raise Refusal("No such payment method", "PAYMENT_METHOD_NOT_FOUND")
        return method

    def add_counterparty(self, name: str) -> str:
        """Enters a counterparty and returns its id; a name that is known keeps the id it has."""
        for counterparty_id, known in self.counterparties.items():
            if known == name:
                return counterparty_id
        counterparty_id = self.new_id()
        self.counterparties[counterparty_id] = name
        return counterparty_id
