"""V2Client: the facade of version 2 of the API."""

from __future__ import annotations

from .._base_client import BaseClient
from ..transport.transport import Transport
from .accounts import Accounts
from .batches import Batches
from .payment_methods import PaymentMethods
from .sync_sessions import SyncSessions
from .transaction_orders import TransactionOrders
from .transactions import Transactions


class V2Client(BaseClient):
    """A client of version 2 of the API; `BaseClient` describes its arguments and methods.

    Attributes:
        accounts: The bank accounts, and asking a bank for news.
        transactions: The transactions: lists, search, sync with a database, export.
        sync_sessions: The syncs with the banks.
        transaction_orders: Payment orders.
        batches: Batches of payment orders.
        payment_methods: Where money is paid from and to.
    """

    accounts: Accounts
    transactions: Transactions
    sync_sessions: SyncSessions
    transaction_orders: TransactionOrders
    batches: Batches
    payment_methods: PaymentMethods

    _version_prefix = "/v2"

    def _attach(self, transport: Transport) -> None:
        super()._attach(transport)
        self.accounts = Accounts(transport)
        self.transactions = Transactions(transport)
        self.sync_sessions = SyncSessions(transport)
        self.transaction_orders = TransactionOrders(transport)
        self.batches = Batches(transport)
        self.payment_methods = PaymentMethods(transport)
