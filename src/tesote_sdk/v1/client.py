"""V1Client: the facade of version 1 of the API."""

from __future__ import annotations

from .._base_client import BaseClient
from ..transport.transport import Transport
from .accounts import Accounts
from .transactions import Transactions


class V1Client(BaseClient):
    """A client of version 1 of the API; `BaseClient` describes its arguments and methods.

    Attributes:
        accounts: The bank accounts.
        transactions: Their transactions.
    """

    accounts: Accounts
    transactions: Transactions

    # Status and whoami of v1 stand beside its versioned paths.
    _version_prefix = ""

    def _attach(self, transport: Transport) -> None:
        super()._attach(transport)
        self.accounts = Accounts(transport)
        self.transactions = Transactions(transport)
