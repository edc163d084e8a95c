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
    """A client of version 2 of the API.

    Making one opens no socket, starts no thread and reads no file. Any number of threads may share
    it. It survives a fork: the child never touches its parent's connections. Used in a `with`
    statement, it closes itself.

    Args:
        api_key: The API key. None takes `TESOTE_SDK_API_KEY` from the environment.
        base_url: Where the API is. None takes `TESOTE_SDK_API_URL` from the environment, or else
            `https://equipo.tesote.com/api`.
        connect_timeout: Seconds for reaching the server: name lookup, connect, proxy and TLS
            handshake together. For every timeout, None means the default.
        read_timeout: Seconds that the server may stay silent, each time.
        total_timeout: Seconds for the whole call: all attempts and the waits between them.
        retry_policy: What is tried again, and when. None means `RetryPolicy()`: three attempts.
        cache_backend: Keeps the responses of calls with `cache_ttl`, such as a Redis that many
            processes share. None keeps them in this client's memory.
        rate_limiter: Slows calls down before the server's quota runs out. Clients may share one.
            None waits only after the server has refused a call.
        user_agent: Replaces the User-Agent header.
        logger: A function that is called with a mapping for each event (a request, a response, a
            retry, an error), or a `logging.Logger`. None means the logger `tesote_sdk`.
        ssl_context: TLS settings, for a private CA or a client certificate.
        parse_float: Called with the text of each JSON number that is not whole. Pass
            `decimal.Decimal` for exact money.
        headers: More header fields for every call, or a function that returns them. The function
            is asked once per call, so all attempts of a call send the same fields.
        allow_http: Allows plain http to other machines. The API key then crosses the network in
            clear text.
        opener: Sends requests in place of the built-in connections. It is called like
            `urllib.request.urlopen`, with a `urllib.request.Request` and `timeout=`.

    Attributes:
        accounts: The bank accounts. Also asks a bank for news.
        transactions: Transactions: list, search, sync with a database, export.
        sync_sessions: The syncs with the banks.
        transaction_orders: Payment orders.
        batches: Batches of payment orders.
        payment_methods: Where money is paid from and to.

    Raises:
        ConfigError: An argument, or the environment variable in its place, cannot be used.
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
